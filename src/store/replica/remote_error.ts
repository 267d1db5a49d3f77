/** Classifies failures of PostgreSQL by the operator's next step. */

import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";

/**
 * - `unreachable`: the server does not answer; try again.
 * - `crowded`: the server or the user has no free connection; try again.
 * - `refused`: user or password are wrong.
 * - `untrusted`: the certificate is refused.
 * - `plain`: the server has no TLS.
 * - `absent`: there is no such database.
 * - `forbidden`: the user lacks a right.
 * - `replica`: the server takes no changes, because it is a replica.
 * - `unusable`: the server is no PostgreSQL of a supported version, or has other tables.
 * - `full`: the server's disk is full.
 * - `failed`: any other error of the server; try again.
 */
export type RemoteErrorKind =
  | "unreachable"
  | "crowded"
  | "refused"
  | "untrusted"
  | "plain"
  | "absent"
  | "forbidden"
  | "replica"
  | "unusable"
  | "full"
  | "failed";

/** The operator's next step after each kind. */
export const NEXT_STEPS: Readonly<Record<RemoteErrorKind, string>> = {
  unreachable: "start it, or correct store.url",
  crowded:
    "end other connections, or raise max_connections or the user's CONNECTION LIMIT; a bot needs " +
    "two",
  refused: "correct user and password in store.url, or pg_hba.conf at the server",
  untrusted: "give the server a certificate for the host in store.url, or correct sslmode; " +
    "NODE_EXTRA_CA_CERTS names the file of an authority of your own",
  plain: "switch on TLS at the server (ssl = on), or correct sslmode in store.url",
  absent: "create it with createdb, or correct store.url",
  forbidden: "let the user of store.url create a schema (GRANT CREATE ON DATABASE … TO …), or " +
    "name the user that created the tables",
  replica: "name the primary server in store.url, or wait until it is one",
  unusable: "name a database of PostgreSQL 15 or newer in store.url",
  full: "free space on the disk of PostgreSQL",
  failed: "see the log of PostgreSQL",
};

/** A failure of PostgreSQL. Its message has no part of `store.url`. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly kind: RemoteErrorKind;

  /** Creates the error; the message is a reason, such as `"no answer within 5 s"`. */
  constructor(kind: RemoteErrorKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Codes of PostgreSQL (SQLSTATE), of postgres.js and of the system, by their beginning. */
const CODES: readonly (readonly [beginning: string, kind: RemoteErrorKind])[] = [
  ["28", "refused"], // no such user, or a wrong password
  ["3D000", "absent"],
  ["42501", "forbidden"],
  ["25006", "replica"],
  ["53100", "full"],
  ["53300", "crowded"],
  ["57P", "unreachable"], // it is starting or stopping
  ["08", "unreachable"],
  ["42", "unusable"],
  ["0A", "unusable"],
  ["CONNECT", "unreachable"],
  ["SASL", "refused"],
  ["AUTH_TYPE", "refused"],
  ["SELF_SIGNED", "untrusted"],
  ["DEPTH_ZERO", "untrusted"],
  ["UNABLE_TO", "untrusted"],
  ["CERT_", "untrusted"],
  ["ERR_TLS", "untrusted"],
];

/** Says for people why the store's changes wait: `"PostgreSQL does not answer (ECONNREFUSED)"`. */
export function outageText({ kind, message }: RemoteError): string {
  return `PostgreSQL ${kind === "unreachable" ? "does not answer" : "refuses"} (${message})`;
}

const REASON_CHARS = 200;

/** Makes a {@link RemoteError} of an error of postgres.js. */
export function asRemoteError(thrown: unknown): RemoteError {
  if (thrown instanceof RemoteError) return thrown;
  const code = codeOf(thrown) ?? "";
  const text = thrown instanceof Error && thrown.message !== "" ? thrown.message : code;
  const system = /^E[A-Z]/.test(code) && !code.startsWith("ERR") ? "unreachable" : undefined;
  const kind = CODES.find(([beginning]) => code.startsWith(beginning))?.[1] ?? system ?? "failed";
  return new RemoteError(kind, printable(text.slice(0, REASON_CHARS)), thrown);
}
