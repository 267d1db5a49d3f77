/**
 * Waits on this machine for the browser that comes back from a sign-in (RFC 8252).
 *
 * Any web page can send the browser here. So only an answer with the `state` of the sign-in counts,
 * and a wrong one does not end the wait.
 */

import type { AddressInfo } from "node:net";

/** A listener on the loopback address. */
export interface SignInCallback {
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
  /** Ends the listener. */
  close(): void;
}

/** Path of the address. */
const PATH = "/callback";

const TIMEOUTS = { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 0, closeMs: 1_000 };

/**
 * The address for a browser on another machine, which cannot come back.
 *
 * @param port Port of the config; any other if absent.
 */
export function pastedUrl(port = 8_765): string {
  return `http://127.0.0.1:${port}${PATH}`;
}

/**
 * Starts to listen.
 *
 * @param port 0: any free port.
 * @throws {Error} If the port is taken.
 */
export async function listenForCallback(port: number): Promise<SignInCallback> {
  const { createBoundedServer } = await import("./bounded_server.ts"); // few sign-ins run
  let isOurs: (answer: URLSearchParams) => boolean = () => false;
  const { promise: answered, resolve: onAnswer } = Promise.withResolvers<URLSearchParams>();
  const server = createBoundedServer(
    (request) => {
      const { pathname, searchParams } = new URL(request.url);
      if (request.method !== "GET" || pathname !== PATH) return page("Not found.", 404);
      if (!isOurs(searchParams)) return page("This is not the answer to a sign-in that runs.", 400);
      onAnswer(searchParams);
      return page(
        "Barnacle has the answer. Close this page, and see where you began the sign-in.",
        200,
      );
    },
    TIMEOUTS,
    new Set(),
  );
  const { promise: closed, resolve: onClose } = Promise.withResolvers<undefined>();
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, "127.0.0.1", resolve);
  await listening;
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}${PATH}`,
    async wait(isAnswer, timeoutMs) {
      isOurs = isAnswer;
      const { promise: late, resolve } = Promise.withResolvers<undefined>();
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      const answer = await Promise.race([answered, late, closed]);
      clearTimeout(timer);
      return answer;
    },
    close() {
      onClose(undefined);
      server.close();
      setTimeout(() => server.closeAllConnections(), 200).unref(); // the page leaves first
    },
  };
}

function page(text: string, status: number): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      connection: "close",
    },
  });
}
