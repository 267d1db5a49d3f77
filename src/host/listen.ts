/**
 * Opens the HTTP server of the running bot, which must not fail for a port that is in use.
 *
 * Another program on the default port is common, the demo for example. The bot answers messages
 * without its HTTP server, so only an operator who asks for it gets an end instead.
 *
 * It stands alone: commands recognise the error without the server's code.
 */

import type { RequestHandler } from "./bounded_server.ts";
import type { HttpServer, HttpServerSettings } from "./http_server.ts";

/**
 * Why the server did not start.
 *
 * - `port_in_use`: another program uses the port; change the port or stop that program.
 * - `not_permitted`: the system reserves the port; use one from 1024 on.
 * - `no_such_address`: this machine has no such address; fix `http.bind`.
 * - `unsafe_bind`: others could reach it, and there is no token of 32 characters.
 * - `failed`: any other reason; see the cause.
 */
export type HttpServerErrorKind =
  | "port_in_use"
  | "not_permitted"
  | "no_such_address"
  | "unsafe_bind"
  | "failed";

/** The server could not start; the message says what to do. */
export class HttpServerError extends Error {
  override readonly name = "HttpServerError";
  readonly kind: HttpServerErrorKind;
  readonly address: string;
  readonly port: number;

  constructor(
    message: string,
    details: {
      readonly kind: HttpServerErrorKind;
      readonly address: string;
      readonly port: number;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.kind = details.kind;
    this.address = details.address;
    this.port = details.port;
  }
}

const TRIES = 100;

export interface PortRules {
  /** Whether the config names `http.port`. */
  readonly isWritten: boolean;
  /** `http.required`. */
  readonly isRequired: boolean;
}

/** The server, or the reason for running without one. */
export type Listening =
  | {
    readonly kind: "listening";
    readonly server: HttpServer;
    /** The wanted port, if another program uses it. */
    readonly insteadOf?: number;
  }
  | { readonly kind: "none"; readonly problem: HttpServerError };

/** Starts a server; tests pass their own. */
export type StartServer = (
  settings: HttpServerSettings,
  handler: RequestHandler,
) => Promise<HttpServer>;

/**
 * Listens on the port, or, if the config names none, on the next free one.
 *
 * @throws {HttpServerError} If a required port is in use, or for any other reason.
 */
export async function listenForHealth(
  settings: HttpServerSettings,
  { isWritten, isRequired }: PortRules,
  handler: RequestHandler,
  start: StartServer,
): Promise<Listening> {
  const { port: wanted } = settings;
  const tries = isWritten ? 1 : TRIES;
  let problem: HttpServerError | undefined;
  for (let port = wanted; port < wanted + tries; port++) {
    try {
      const server = await start({ ...settings, port }, handler);
      return { kind: "listening", server, insteadOf: port !== wanted ? wanted : undefined };
    } catch (error) {
      if (!(error instanceof HttpServerError) || error.kind !== "port_in_use") throw error;
      problem ??= error;
    }
  }
  if (!problem || (isWritten && isRequired)) throw problem;
  return { kind: "none", problem };
}
