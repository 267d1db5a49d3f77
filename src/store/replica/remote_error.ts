/** Classifies failures of PostgreSQL by the operator's next step. */

import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";

/**
 * - `unreachable`: the server does not answer; try again.
 * - `refused`: user, password, database, rights or TLS are wrong; ask the operator.
 * - `unusable`: the server is no PostgreSQL of a supported version, or has other tables.
 * - `failed`: any other error of the server, such as a full disk; try again.
 */
export type RemoteErrorKind = "unreachable" | "refused" | "unusable" | "failed";

/** A failure of PostgreSQL. Its message has no part of `store.url`. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  /** The next step that it asks for. */
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
  ["3D000", "refused"], // no such database
  ["42501", "refused"], // no right to it
  ["53300", "unreachable"], // too many connections
  ["57P", "unreachable"], // it is starting or stopping
  ["08", "unreachable"],
  ["42", "unusable"],
  ["0A", "unusable"],
  ["CONNECT", "unreachable"],
  ["SASL", "refused"],
  ["AUTH_TYPE", "refused"],
  ["SELF_SIGNED", "refused"],
  ["DEPTH_ZERO", "refused"],
  ["UNABLE_TO", "refused"],
  ["CERT_", "refused"],
  ["ERR_TLS", "refused"],
];

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
