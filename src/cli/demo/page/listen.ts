/**
 * Opens the page's HTTP server on the wanted port, or on the next free one.
 *
 * @module
 */

import { type HttpServer, startHttpServer } from "../../../host/http_server.ts";
import { HttpServerError } from "../../../host/http_server_error.ts";
import type { HttpHandler } from "../../../host/bounded_server.ts";
import { MAX_TIMER_MS } from "../../../lib/clock.ts";
import { SAY_MAX_BYTES } from "../../../../simulator/page/page.ts";
import type { PageAccess } from "./guard.ts";

/** Number of ports to try. */
const TRIES = 100;

const MAX_PORT = 65_535;

/** Milliseconds that the files of a message may take, also over SSH. */
const UPLOAD_MS = 45_000;

/** Addresses of the page. */
export interface PageAddress extends Pick<PageAccess, "host" | "key"> {
  /** 0 for any free port. */
  readonly port: number;
}

/**
 * Listens.
 *
 * @throws {HttpServerError} With `port_in_use` if all ports are in use; at once for other errors.
 */
export async function listenFrom(
  { port, host, key }: PageAddress,
  handler: HttpHandler,
): Promise<HttpServer> {
  // The page's feed of events has no end.
  const bounds = { maxBodyBytes: SAY_MAX_BYTES, requestMs: UPLOAD_MS, maxAgeMs: MAX_TIMER_MS };
  const settings = {
    bounds,
    bind: host !== undefined ? [host] : undefined,
    token: key || undefined,
  };
  const last = Math.min(port + TRIES - 1, MAX_PORT);
  for (let next = port;; next++) {
    try {
      return await startHttpServer({ ...settings, port: next }, handler);
    } catch (error) {
      if (!(error instanceof HttpServerError)) throw error;
      if (error.kind === "no_such_address") {
        const message = `--host ${host}: this machine has no such address`;
        throw new HttpServerError(message, { ...error, kind: error.kind, cause: error });
      }
      if (error.kind !== "port_in_use") throw error;
      if (next < last && port !== 0) continue;
      throw new HttpServerError(
        `ports ${port} to ${next} are in use; choose a free one with --port, or 0 for any`,
        { kind: "port_in_use", address: error.address, port, cause: error },
      );
    }
  }
}
