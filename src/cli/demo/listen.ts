/**
 * Opens the page's HTTP server on the wanted port, or on the next free one.
 *
 * @module
 */

import type { HttpHandler } from "../../host/bounded_server.ts";
import { type HttpServer, HttpServerError, startHttpServer } from "../../host/http_server.ts";

/** Number of ports to try. */
const TRIES = 100;

const MAX_PORT = 65_535;

/**
 * Listens on loopback.
 *
 * @param port 0 for any free port.
 * @throws {HttpServerError} With `port_in_use` if all ports are in use; at once for other errors.
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
        `ports ${port} to ${next} are in use; choose a free one with --port, or 0 for any`,
        { kind: "port_in_use", address: error.address, port, cause: error },
      );
    }
  }
}
