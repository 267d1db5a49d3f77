/**
 * Opens the page's HTTP server on the wanted port of this machine, or on the next free one, and decides
 * which requests it answers: those of this machine's own browser, from the page itself.
 */

import { type HttpServer, startHttpServer } from "../../host/http_server.ts";
import { HttpServerError } from "../../host/listen.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import { MAX_TIMER_MS } from "../../lib/clock.ts";
import { browserHeaders, refusalOf, refusalOfChange } from "../../http/app.ts";

/** Number of ports to try. */
const TRIES = 100;

/**
 * Listens.
 *
 * @throws {HttpServerError} With `port_in_use` if all ports are in use; at once for other errors.
 */
export async function listenFrom(port: number, handler: RequestHandler): Promise<HttpServer> {
  // The page's feed of events has no end.
  const bounds = { answerMs: MAX_TIMER_MS };
  try {
    return await startHttpServer({ bounds, port, tries: TRIES }, handler);
  } catch (error) {
    if (!(error instanceof HttpServerError) || error.kind !== "port_in_use") throw error;
    const message =
      `ports ${port} to ${error.port} are in use; choose a free one with --port, or 0 for any`;
    throw new HttpServerError(message, { ...error, cause: error });
  }
}

const HEADERS = Object.entries(browserHeaders("'none'"));

/** Refuses requests before the page sees them, and adds the headers that its answers need. */
export function guardPage(answer: RequestHandler): RequestHandler {
  return async (request) => {
    const refusal = refusalOf(request) === undefined
      ? ["GET", "HEAD"].includes(request.method) ? undefined : refusalOfChange(request)
      : "This page answers only under the address that the demo printed";
    const response = refusal === undefined
      ? await answer(request)
      : new Response(refusal, { status: 403 });
    for (const [name, value] of HEADERS) response.headers.set(name, value);
    return response;
  };
}
