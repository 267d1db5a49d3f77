/**
 * Opens connections to PostgreSQL: by TCP or by a Unix socket, with TLS as `sslmode` asks.
 *
 * The client's own TLS names no host for an IP address, so its certificate would prove nothing; and a
 * server without TLS would fail with the words of a broken connection.
 */

import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { setTimeout } from "node:timers";
import type { Sql, TransactionSql } from "postgres";
import { asRemoteError, RemoteError } from "./remote_error.ts";

/** The request for TLS of PostgreSQL's protocol: its length, and its code. */
const SSL_REQUEST: Uint8Array = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

/** The server's answers to it: TLS, no TLS, and the beginning of an error. */
const [YES, NO, ERROR] = [0x53, 0x4e, 0x45];

const DEFAULT_PORT = 5_432;

/** Where a server listens, and how far its certificate is checked. */
interface DialTarget {
  /** A name, an IP address without brackets, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly isLocal: boolean;
  readonly isSecret: boolean;
  /** Whether to go on without TLS if the server has none. */
  readonly mayBePlain: boolean;
  readonly isProven: boolean;
}

/** The host and port of an address, as errors name them. */
export function serverOf(url: URL): Pick<DialTarget, "host" | "port"> {
  const { host, port } = targetOf(url);
  return { host, port };
}

/** Reads an address. A Unix socket never leaves the machine, so `sslmode` has no effect on it. */
function targetOf(url: URL): DialTarget {
  const named = url.searchParams.get("host") ?? decodeURIComponent(url.hostname);
  const host = named.replace(/^\[(.*)\]$/, "$1");
  const isLocal = host.startsWith("/");
  const mode = isLocal ? "disable" : url.searchParams.get("sslmode") ?? "disable";
  return {
    host,
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    isLocal,
    isSecret: mode !== "disable",
    mayBePlain: mode === "prefer",
    isProven: mode === "verify-full",
  };
}

/**
 * Creates a function that opens a connection, ready for the first message.
 *
 * @param url A valid `store.url`.
 * @param limitMs How long opening may take.
 */
export function dialerOf(url: URL, limitMs: number): () => Promise<net.Socket> {
  const target = targetOf(url);
  return async () => {
    const opened: net.Socket[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new RemoteError("unreachable", `no answer within ${limitMs / 1_000} s`)),
        limitMs,
      );
    });
    try {
      return await Promise.race([open(target, opened), late]);
    } catch (error) {
      for (const socket of opened) {
        socket.on("error", () => {}); // nothing waits for it any more
        socket.destroy();
      }
      throw asRemoteError(error);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** @param opened Gets each socket, the outermost last. */
async function open(target: DialTarget, opened: net.Socket[]): Promise<net.Socket> {
  const { host, port, isLocal, isSecret, mayBePlain, isProven } = target;
  const socket = isLocal
    ? net.connect({ path: `${host}/.s.PGSQL.${port}` })
    : net.connect({ host, port, noDelay: true });
  opened.push(socket);
  await once(socket, "connect");
  if (!isSecret) return socket;
  if (!await offersTls(socket)) {
    if (mayBePlain) return socket;
    throw new RemoteError("plain", "the server has no TLS, and sslmode asks for it");
  }
  const secure = tls.connect({
    socket,
    host, // its name or address must stand in the certificate
    ...(net.isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: isProven,
  });
  opened.push(secure);
  await once(secure, "secureConnect");
  return secure;
}

/** Asks for TLS. The answer is one byte: more would come from another party, before the proof. */
async function offersTls(socket: net.Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const answered = once(socket, "data");
  const ended = once(socket, "close").then(() => {
    throw new RemoteError("unusable", "another program than PostgreSQL ends the connection");
  });
  ended.catch(() => {}); // the answer comes first, and the connection ends later
  const [answer] = await Promise.race([answered, ended]);
  answered.catch(() => {});
  socket.pause();
  if (answer instanceof Uint8Array && answer.length === 1) {
    if (answer[0] === YES) return true;
    if (answer[0] === NO) return false;
  }
  if (answer instanceof Uint8Array && answer[0] === ERROR) {
    throw new RemoteError("failed", "the server answers the request for TLS by an error");
  }
  throw new RemoteError("unusable", "another program than PostgreSQL answers");
}

/**
 * Runs statements in a transaction. If the connection breaks, the client would write a ROLLBACK to the closed
 * socket, which ends the process. So the failure of a statement is held back then: the transaction fails by
 * the end of its connection, or at the caller's time limit.
 */
export function inTransaction<Result>(
  sql: Sql,
  work: (sql: TransactionSql) => Promise<Result>,
): Promise<Result> {
  return sql.begin((own) =>
    work(own).catch((error: unknown) => {
      const isBroken = !(error instanceof RemoteError) &&
        asRemoteError(error).kind === "unreachable";
      return isBroken ? new Promise<never>(() => {}) : Promise.reject(error);
    })
  ) as Promise<Result>;
}
