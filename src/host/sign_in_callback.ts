/**
 * Waits on this machine for the browser that comes back from a sign-in (RFC 8252).
 *
 * Any web page can send the browser here. So only an answer with the `state` of the sign-in counts,
 * and a wrong one does not end the wait.
 */

import type { AddressInfo } from "node:net";
import { inTime, schedule } from "../lib/clock.ts";
import { hasNameOf, LOCAL_NAMES } from "../lib/network/addresses.ts";
import type { HttpBounds } from "./bounded_server.ts";

/** The only request that the listener takes. */
export const CALLBACK_ROUTE = {
  method: "GET",
  path: "/callback",
  auth: "state",
  maxBodyBytes: 0,
} as const;

const TIMEOUTS = { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 0, closeMs: 1_000 };

/**
 * The address for a browser on another machine, which cannot come back. Some servers take no other
 * one than https.
 *
 * @param port Port that the registration of the config has.
 * @param publicUrl `http.publicUrl`.
 */
export function pastedUrl(port?: number, publicUrl?: string): string {
  const base = port === undefined ? publicUrl : undefined;
  return `${base ?? `http://127.0.0.1:${port ?? 8_765}`}${CALLBACK_ROUTE.path}`;
}

/**
 * Starts to listen.
 *
 * @param port 0: any free port.
 * @throws {Error} If the port is taken.
 */
export async function listenForCallback(
  port: number,
  bounds: Partial<HttpBounds> = {},
): Promise<{
  readonly url: string;
  /**
   * Waits for the answer.
   *
   * @param isOurs Whether an answer belongs to the sign-in.
   * @returns `undefined` if none came in time, or the listener has ended.
   */
  wait(
    isOurs: (answer: URLSearchParams) => boolean,
    timeoutMs: number,
  ): Promise<URLSearchParams | undefined>;
  close(): void;
}> {
  const { createBoundedServer } = await import("./bounded_server.ts"); // few sign-ins run
  let isOurs: (answer: URLSearchParams) => boolean = () => false;
  const { promise: answered, resolve: onAnswer } = Promise.withResolvers<URLSearchParams>();
  const server = createBoundedServer(
    (request) => {
      const refused = refusedCallback(request, []);
      if (refused) return refused;
      const { searchParams } = new URL(request.url);
      if (!isOurs(searchParams)) return page("This is not the answer to a sign-in that runs.", 400);
      onAnswer(searchParams);
      return page(
        "Barnacle has the answer. Close this page, and see where you began the sign-in.",
        200,
      );
    },
    { ...TIMEOUTS, ...bounds },
    new Set(),
  );
  const { promise: closed, resolve: onClose } = Promise.withResolvers<undefined>();
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, "127.0.0.1", resolve);
  await listening;
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}${CALLBACK_ROUTE.path}`,
    async wait(isAnswer, timeoutMs) {
      isOurs = isAnswer;
      const first = Promise.race([answered, closed]);
      return await inTime(first, timeoutMs, schedule, () => undefined);
    },
    close() {
      onClose(undefined);
      server.close();
      setTimeout(() => server.closeAllConnections(), 200).unref(); // the page leaves first
    },
  };
}

/**
 * Refuses a request that is no browser's way back from a sign-in: that names this machine, no page
 * sends it, and it has no body. The way back comes from another site, and has no `Origin`.
 *
 * @param names Names of this machine beside its local ones.
 * @returns `undefined` if the request is allowed.
 */
export function refusedCallback(request: Request, names: readonly string[]): Response | undefined {
  if (!hasNameOf(request, [...LOCAL_NAMES, ...names])) {
    return page("This machine does not answer under that name.", 403);
  }
  const { headers, method, url } = request;
  const goal = headers.get("sec-fetch-dest") ?? "document";
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length")) > 0;
  if (headers.has("origin") || goal !== "document" || hasBody) {
    return page("Only a browser that comes back from a sign-in may send this request.", 403);
  }
  if (new URL(url).pathname !== CALLBACK_ROUTE.path) return page("Not found.", 404);
  const { method: allow } = CALLBACK_ROUTE;
  return method === allow ? undefined : page("This address takes GET only.", 405, { allow });
}

/** A page in plain words, which nothing else can embed or read. */
export function page(text: string, status: number, more: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      connection: "close",
      ...more,
    },
  });
}
