/**
 * Fetches bodies as the server sends them, and inflates compressed ones piece by piece.
 *
 * A small compressed body may be a thousand times as large inside. Bun inflates all of it before
 * the first read, if that comes late, so a limit of the reader came too late, too. Barnacle asks
 * for bodies without compression. A server that compresses all the same costs no more than the
 * limit.
 *
 * A server decides how much it sends, and when. An abort that `fetch` knows is not enough to end a
 * read: Deno refers to a request's signal only weakly. If the garbage collector runs after the head
 * arrived, the abort does not reach the body. A read of a silent server then never ends. So these
 * functions cancel the reader themselves.
 *
 * `fetch` finds the proxy by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` itself. A socket of
 * our own must come to the same answer, or one half of the bot would connect where the other cannot.
 * So `proxyFor` does what Bun's `fetch` did in our tests: the lower-case variable first, an empty one
 * counts as absent, and a value that is no URL is ignored. (Deno's differs if the two spellings of a
 * variable disagree.) `NO_PROXY` takes hosts, which include their subdomains, `.host`, `*.host`,
 * `host:port` and `*`. Only `fetch` honours a network such as `10.0.0.0/8`: Discord's hosts are names.
 */

import type { Env } from "../env.ts";
import { hostOf, isLoopbackHost, portOf } from "./addresses.ts";

type ProxyRoute =
  | { readonly kind: "direct" }
  | {
    readonly kind: "proxy";
    /** Name of the variable as it is spelled in the environment: `"HTTPS_PROXY"`. */
    readonly variable: string;
    /** URL of the proxy, which may contain a password: `"http://user:pw@host:3128"`. */
    readonly url: string;
  }
  /** A variable names a proxy that Barnacle does not support. */
  | { readonly kind: "unusable"; readonly variable: string; readonly why: string };

const DIRECT: ProxyRoute = { kind: "direct" };

/**
 * How to reach a URL from this environment.
 *
 * This machine is always reached directly. Requests to it are clear text and include the bot token,
 * which must not go to a proxy.
 *
 * @param url Absolute, with the scheme `http:`, `https:`, `ws:` or `wss:`.
 * @throws {TypeError} If `url` is no absolute URL.
 */
export function proxyRouteTo(url: URL | string, env: Env): ProxyRoute {
  const target = new URL(url);
  if (isLoopbackHost(target.hostname)) return DIRECT;
  const isSecure = target.protocol === "https:" || target.protocol === "wss:";
  const found = variableOf(env, isSecure ? "HTTPS_PROXY" : "HTTP_PROXY") ??
    variableOf(env, "ALL_PROXY");
  if (!found || isExempt(target, variableOf(env, "NO_PROXY")?.value ?? "")) return DIRECT;

  const { name: variable, value } = found;
  const proxy = URL.parse(value);
  if (!proxy?.hostname) {
    return { kind: "unusable", variable, why: "it is no URL, such as http://proxy.lan:3128" };
  }
  if (proxy.protocol !== "http:" && proxy.protocol !== "https:") {
    const scheme = proxy.protocol.slice(0, -1);
    return {
      kind: "unusable",
      variable,
      why: `a ${scheme} proxy is not supported, only http and https`,
    };
  }
  return { kind: "proxy", variable, url: value.trim() };
}

/**
 * The proxy for a URL, as {@link proxyRouteTo} finds it.
 *
 * @returns `"http://user:pw@host:3128"`; `undefined` if there is no usable proxy.
 * @throws {TypeError} If `url` is no absolute URL.
 */
export function proxyFor(url: URL | string, env: Env): string | undefined {
  const route = proxyRouteTo(url, env);
  return route.kind === "proxy" ? route.url : undefined;
}

/**
 * A proxy's host and port without user and password, to show to people: `"proxy.lan:3128"`.
 *
 * @throws {TypeError} If `proxy` is no absolute URL.
 */
export function nameOfProxy(proxy: string): string {
  const url = new URL(proxy);
  return `${url.hostname}:${portOf(url)}`;
}

/**
 * The value of `NO_PROXY` with which `fetch`, too, reaches this machine directly.
 *
 * By default, both runtimes send requests for 127.0.0.1 to a proxy.
 */
export function noProxyOf(env: Env): string {
  const written = variableOf(env, "NO_PROXY")?.value;
  return [...(written === undefined ? [] : [written]), "localhost", "127.0.0.1", "::1"].join(",");
}

function variableOf(
  env: Env,
  name: string,
): { readonly name: string; readonly value: string } | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    const value = env[spelling];
    if (value?.trim()) return { name: spelling, value };
  }
  return undefined;
}

function isExempt(url: URL, list: string): boolean {
  const { hostname } = url;
  const host = hostOf(url);
  const hostAndPort = `${hostname}:${portOf(url)}`;
  return list.toLowerCase().split(/[,\s]+/).some((entry) => {
    if (entry === "*") return true;
    const name = entry.replace(/^\*?\./, "");
    return name !== "" &&
      [host, hostname, hostAndPort].some((one) => one === name || one.endsWith(`.${name}`));
  });
}

/** A body, as `Response` has it; `null` if there is none. */
export type Body = ReadableStream<Uint8Array<ArrayBuffer>> | null;

export type BodyReader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/**
 * Reads piece by piece. At the end, the body is read or cancelled.
 *
 * @param signal Ends the reading at once.
 * @param take Gets each piece; `false` ends the reading.
 * @throws The signal's reason, the error of the connection or that of `take`.
 */
export async function readPieces(
  body: Body,
  signal: AbortSignal,
  take: (piece: Uint8Array<ArrayBuffer>) => boolean | void,
): Promise<void> {
  if (!body) return;
  const reader = body.getReader();
  const cancel = () => cancelReader(reader, signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted(); // a cancelled reader reports the end of the body
      if (done || take(value) === false) return;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** Closes a connection whose body is not read to its end. A waiting `read()` returns the end. */
export function cancelReader(reader: BodyReader, reason?: unknown): void {
  reader.cancel(reason).catch(() => {}); // of a broken connection
}

export interface WholeBody {
  /** Maximum size. */
  readonly maxBytes: number;
  readonly tooLarge: () => Error;
  readonly signal: AbortSignal;
}

/**
 * Reads a whole body.
 *
 * @throws As {@link readPieces} does; or the error for a body that is too large.
 */
export async function readBody(
  body: Body,
  { maxBytes, tooLarge, signal }: WholeBody,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  await readPieces(body, signal, (piece) => {
    size += piece.length;
    if (size > maxBytes) throw tooLarge();
    pieces.push(piece);
  });
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Returns the response with a body that fails once the signal aborts.
 *
 * The signal may outlive many responses. So the body watches it only during a read.
 */
export function abortableResponse(response: Response, signal: AbortSignal): Response {
  const { body, status, statusText, headers } = response;
  if (!body) return response;
  let reader: BodyReader | undefined;

  const watched = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const its = reader ??= body.getReader();
      const abort = () => cancelReader(its, signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      try {
        signal.throwIfAborted();
        const { done, value } = await its.read();
        signal.throwIfAborted(); // a cancelled reader reports the end of the body
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        abort();
        throw error;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    async cancel(reason) {
      await (reader ?? body).cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(watched, { status, statusText, headers });
}

/** Header that asks for no compression. Deno then inflates nothing, either. */
export const PLAIN_HEADER: readonly [name: string, value: string] = ["accept-encoding", "identity"];

/** Option of Bun's `fetch`; others ignore it. */
export const PLAIN_OPTION: { readonly decompress: false } = { decompress: false };

const KNOWN: Readonly<Record<string, CompressionFormat>> = {
  "gzip": "gzip",
  "x-gzip": "gzip",
  "deflate": "deflate",
};

/**
 * Sends a request whose answer no runtime inflates.
 *
 * @param send The runtime's `fetch`, or that of a test.
 */
export async function fetchPlain<Input extends string | URL | Request>(
  send: (input: Input, init: RequestInit) => Promise<Response>,
  input: Input,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  headers.set(...PLAIN_HEADER);
  const options = { ...init, ...PLAIN_OPTION, headers };
  return inflated(await send(input, options));
}

/**
 * The same response with an inflated body, if the server has compressed it in spite of the request.
 *
 * @throws {TypeError} If the server uses a compression that it was never offered.
 */
export function inflated(response: Response): Response {
  const coding = response.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  const { body, status, statusText } = response;
  if (!body || coding === "identity" || coding === "") return response;
  const format = KNOWN[coding];
  if (format === undefined) {
    body.cancel().catch(() => {}); // of a broken connection
    throw new TypeError("the server's answer has an unknown compression");
  }
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length"); // of the compressed body
  const stream = body.pipeThrough(new DecompressionStream(format));
  return new Response(stream, { status, statusText, headers });
}
