/**
 * A place for the page: the port that was asked for, or the next one that is free.
 *
 * @module
 */

import {
  type HttpHandler,
  type HttpServer,
  HttpServerError,
  startHttpServer,
} from "../../host/http_server.ts";

/** Ports that are tried, one after the other. */
const TRIES = 100;

const MAX_PORT = 65_535;

/**
 * Listens on loopback.
 *
 * @param port 0 for any that is free.
 * @throws {HttpServerError} `port_in_use` if all of them are; anything else at once.
 */
export async function listenFrom(port: number, handler: HttpHandler): Promise<HttpServer> {
  const last = Math.min(port + TRIES - 1, MAX_PORT);
  for (let next = port;; next++) {
    try {
      return await startHttpServer({ port: next }, handler);
    } catch (error) {
      if (!(error instanceof HttpServerError) || error.kind !== "port_in_use") throw error;
      if (next < last && port !== 0) continue;
      throw new HttpServerError(
        `The ports from ${port} to ${next} are all in use; name a free one by --port, or 0 for any`,
        { kind: "port_in_use", address: error.address, port, cause: error },
      );
    }
  }
}
