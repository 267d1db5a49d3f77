/**
 * Opens the sockets of the HTTP application: loopback in both families by default. An address that
 * others can reach needs a token, even behind a proxy.
 */

import type { Server } from "node:http";
import { codeOf } from "../lib/errors.ts";
import { isLoopback, LOOPBACK_ADDRESSES } from "../lib/network/addresses.ts";
import {
  createBoundedServer,
  type HttpBounds,
  type HttpTimeouts,
  type RequestHandler,
  type ServedConnection,
} from "./bounded_server.ts";
import { HttpServerError } from "./listen.ts";

export interface HttpServerSettings {
  /** Addresses to listen on; by default both of loopback. */
  readonly bind?: readonly string[];
  /** 0 means any free port, the same at all addresses. */
  readonly port: number;
  /** Number of ports to try, from the wanted one on, if other programs use them; 1 by default. */
  readonly tries?: number;
  /** `http.token`; required if one address is not loopback. */
  readonly token?: string;
  /** `http.publicUrl`; requests may have its path. */
  readonly publicUrl?: string;
  /** Whether each request needs a secret of its own, so that an open address needs no token. */
  readonly isOpen?: true;
  /** Config path of the section with `bind` and `port`; `"http"` by default. */
  readonly section?: string;
  /** Replace the default bounds. */
  readonly bounds?: Partial<HttpBounds>;
}

export type HttpServer = Awaited<ReturnType<typeof startHttpServer>>;

/** Minimum length of a token on an address that others can reach, in characters. */
const TOKEN_MIN = 32;

const TIMEOUTS: HttpTimeouts = {
  headersMs: 2_000,
  requestMs: 3_000,
  keepAliveMs: 5_000,
  closeMs: 1_000,
};

/** Number of free ports to try until one is free at every address. */
const FREE_TRIES = 8;

const MAX_PORT = 65_535;

/**
 * Starts to listen.
 *
 * @throws {HttpServerError} Then no socket is open.
 */
export async function startHttpServer(
  settings: HttpServerSettings,
  handler: RequestHandler,
) {
  const { bind = LOOPBACK_ADDRESSES, port, token = "", isOpen, section = "http" } = settings;
  const below = URL.parse(settings.publicUrl ?? "")?.pathname.replace(/\/$/, "");
  const bounds = { ...TIMEOUTS, below, ...settings.bounds };
  const open = bind.find((address) => !isLoopback(address));
  if (open !== undefined && !isOpen && token.length < TOKEN_MIN) {
    throw new HttpServerError(
      `Cannot listen on ${open} without http.token of ${TOKEN_MIN} characters or more: ` +
        "others can reach it",
      { kind: "unsafe_bind", address: open, port },
    );
  }
  // A port that was free at the first address may be in use at the second.
  const tries = port === 0 ? FREE_TRIES : settings.tries ?? 1;
  for (let at = 0;; at++) {
    const next = port === 0 ? 0 : port + at;
    try {
      return await listenOnAll(bind, next, handler, bounds, section);
    } catch (error) {
      const isUsed = error instanceof HttpServerError && error.kind === "port_in_use";
      if (!isUsed || at + 1 === tries || next === MAX_PORT) throw error;
    }
  }
}

async function listenOnAll(
  bind: readonly string[],
  wantedPort: number,
  handler: RequestHandler,
  bounds: HttpBounds,
  section: string,
) {
  const servers: Server[] = [];
  const addresses: string[] = [];
  let port = wantedPort;
  const connections = new Set<ServedConnection>();
  /** Stops listening, and breaks connections that are still open after a while. */
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => closeServer(server, bounds.closeMs)));
  };
  try {
    for (const address of bind) {
      const server = createBoundedServer(handler, bounds, connections);
      try {
        port = await listen(server, address, port, section);
      } catch (error) {
        if (!isMissingLoopback(error)) throw error;
        continue;
      }
      servers.push(server);
      addresses.push(address);
    }
    const [first = "127.0.0.1"] = bind;
    if (servers.length === 0) throw errorOf({ code: "EADDRNOTAVAIL" }, first, port, section);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, addresses: addresses as readonly string[], close };
}

/** Whether an address may be skipped: a machine without IPv6 has only one loopback address. */
export function isMissingLoopback(error: unknown): boolean {
  return error instanceof HttpServerError && error.kind === "no_such_address" &&
    isLoopback(error.address);
}

function listen(server: Server, address: string, port: number, section: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(errorOf(error, address, port, section));
    server.once("error", fail);
    server.listen({ port, host: address, ipv6Only: address.includes(":") }, () => {
      server.off("error", fail);
      const got = server.address();
      resolve(typeof got === "object" && got !== null ? got.port : port);
    });
  });
}

function errorOf(error: unknown, address: string, port: number, section: string): HttpServerError {
  const details = { address, port, cause: error };
  const where = `${address}, port ${port}`;
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return new HttpServerError(
        `Cannot listen on ${where}: another program uses it. Change ${section}.port, or stop that program`,
        { kind: "port_in_use", ...details },
      );
    case "EACCES":
    case "EPERM":
      return new HttpServerError(
        `Cannot listen on ${where}: the system forbids it. Set ${section}.port to 1024 or more`,
        { kind: "not_permitted", ...details },
      );
    case "EADDRNOTAVAIL":
    case "EINVAL": // Deno's word for the same
    case "EAFNOSUPPORT":
    case "ENOTFOUND":
    case "ENOENT": // Deno's word for a name that DNS does not know
      return new HttpServerError(
        `Cannot listen on ${where}: this machine has no such address. Fix ${section}.bind`,
        { kind: "no_such_address", ...details },
      );
    default:
      return new HttpServerError(`Cannot listen on ${where}`, { kind: "failed", ...details });
  }
}

function closeServer(server: Server, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), waitMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
