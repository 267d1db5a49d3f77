/** Why an HTTP server cannot listen. It stands alone: commands recognise the error without the server's code. */

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
