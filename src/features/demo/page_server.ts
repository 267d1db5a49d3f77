/**
 * Opens the page's HTTP server on the wanted port, or on the next free one, and decides which requests
 * it answers. A page that other machines can reach has a key.
 *
 * A person on the page can kill the bot. So beyond this machine, a request needs the key. The
 * printed address has it after its `#`, which no browser sends anywhere.
 */

import { randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { hostname, networkInterfaces } from "node:os";
import { type HttpServer, startHttpServer } from "../../host/http_server.ts";
import { HttpServerError } from "../../host/listen.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import { MAX_TIMER_MS } from "../../lib/clock.ts";
import { PAGE_ROUTES } from "../../../simulator/page/routes.ts";
import { isLoopback, urlHostOf } from "../../lib/network/addresses.ts";
import { browserHeaders, refusalOf, refusalOfChange } from "../../http/app.ts";

/** Number of ports to try. */
const TRIES = 100;

/**
 * Listens.
 *
 * @throws {HttpServerError} With `port_in_use` if all ports are in use; at once for other errors.
 */
export async function listenFrom(
  { port, host, key }: { readonly port: number; readonly host?: string; readonly key?: string },
  handler: RequestHandler,
): Promise<HttpServer> {
  // The page's feed of events has no end.
  const bounds = { answerMs: MAX_TIMER_MS };
  const settings = {
    bounds,
    bind: host !== undefined ? [host] : undefined,
    token: key || undefined,
  };
  try {
    return await startHttpServer({ ...settings, port, tries: TRIES }, handler);
  } catch (error) {
    if (!(error instanceof HttpServerError)) throw error;
    const message = error.kind === "no_such_address"
      ? `--host ${host}: this machine has no such address`
      : error.kind === "port_in_use"
      ? `ports ${port} to ${error.port} are in use; choose a free one with --port, or 0 for any`
      : error.message;
    throw new HttpServerError(message, { ...error, cause: error });
  }
}

/** Addresses that mean "every address of this machine". */
const ALL = ["0.0.0.0", "::"];

interface PageAccess {
  /** The address to listen on; both of loopback if absent. */
  readonly host?: string;
  /** Host names in the page's address, the best first. */
  readonly names: readonly string[];
  /** Key of a page that other machines can reach; absent if only this machine can. */
  readonly key?: string;
}

/**
 * Decides this by the user's wish.
 *
 * @param host Value of `--host`; this machine only if absent.
 */
export function pageAccessOf(host: string | undefined): PageAccess {
  if (host === undefined || host === "localhost") return { names: ["127.0.0.1"] };
  if (isLoopback(host)) return { host, names: [urlHostOf(host)] };
  const key = randomBytes(24).toString("base64url"); // 32 characters
  return { host, names: namesOf(host), key };
}

function namesOf(host: string): readonly string[] {
  if (!ALL.includes(host)) return [urlHostOf(host)];
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ address }) => urlHostOf(address));
  return [...addresses, hostname().toLowerCase()];
}

export function addressesOf({ names, key }: PageAccess, port: number): readonly string[] {
  return names.map((name) => `http://${name}:${port}/${key === undefined ? "" : `#${key}`}`);
}

const HEADERS = Object.entries(browserHeaders("'none'"));

/** Refuses requests before the page sees them, and adds the headers that its answers need. */
export function guardPage(access: PageAccess, answer: RequestHandler): RequestHandler {
  const refusalOfPage = createPageGuard(access);
  return async (request) => {
    const refusal = refusalOfPage(request);
    const response = refusal === undefined
      ? await answer(request)
      : new Response(refusal, { status: 403 });
    for (const [name, value] of HEADERS) response.headers.set(name, value);
    return response;
  };
}

/**
 * Makes the check of all requests.
 *
 * @returns The reason of a refusal; `undefined` if the request is allowed.
 */
export function createPageGuard(
  { names, key }: PageAccess,
): (request: Request) => string | undefined {
  return (request) => {
    if (refusalOf(request, names) !== undefined) {
      return "This page answers only under the address that the demo printed";
    }
    const isRead = request.method === "GET" || request.method === "HEAD";
    const refusal = isRead ? undefined : refusalOfChange(request);
    if (refusal !== undefined) return refusal;
    const { pathname, searchParams } = new URL(request.url);
    if (key === undefined || OPEN_PATHS.has(pathname)) return undefined;
    return isSame(searchParams.get("key") ?? "", key)
      ? undefined
      : "Open the whole address that the demo printed: it ends with a key";
  };
}

/** Paths of the page's own files, which are the same in every demo. */
const OPEN_PATHS: ReadonlySet<string> = new Set(
  PAGE_ROUTES.filter(({ auth }) => auth === "none").map(({ path }) => path),
);

function isSame(given: string, key: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(key)];
  return left.length === right.length && timingSafeEqual(left, right);
}
