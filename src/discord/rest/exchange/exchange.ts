/**
 * Sends one HTTP request to Discord's API and reads the whole response, within a deadline.
 *
 * The deadline covers the body too. It does not rely on the runtime to honour the abort signal: the
 * caller's promise rejects at the deadline in any case. The API's address (`DISCORD_API_URL`) may be
 * that of the simulator or a proxy. Each request carries the bot token. So plain HTTP is allowed on
 * loopback only, and an unclear value is an error, never a guess.
 *
 * @module
 */

import { readPieces } from "../../../lib/network/read_body.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import { isLoopbackHost } from "../../../lib/network/addresses.ts";

/** A response, read to its end. */
export interface RestAnswer {
  /** HTTP status. */
  readonly status: number;
  /** HTTP headers. */
  readonly headers: Headers;
  /** The body as text. */
  readonly text: string;
}

/** The settings and dependencies of an exchange. */
export interface ExchangeDeps {
  /** Sends the request. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds from the first byte out to the last byte in. */
  readonly timeoutMs: number;
  /** Maximum size of the response's body in bytes, decompressed. */
  readonly maxBytes: number;
  /** Timer for the deadline. */
  readonly schedule: StartTimer;
  /** Each cancels the exchange. */
  readonly signals: readonly AbortSignal[];
}

/** Hooks for the two stages of a response: its headers are read, and its body is read. */
export interface AnswerHooks {
  /** Called when the headers are read. */
  readonly onAnswerStarted?: (() => void) | undefined;
  /** Called when the body is read. */
  readonly onAnswered?: (() => void) | undefined;
}

/**
 * Sends a request once.
 *
 * A redirect is a response like any other. It is not followed, because the token must not go to an
 * address that a third party chooses.
 *
 * @throws The error of `fetch`, a `TimeoutError`, a `RangeError` for a response that is too
 * large, or a signal's reason.
 */
export async function exchange(
  url: string,
  init: RequestInit,
  { fetch, timeoutMs, maxBytes, schedule, signals }: ExchangeDeps,
  hooks: AnswerHooks = {},
): Promise<RestAnswer> {
  for (const signal of signals) signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: cancelled, reject } = Promise.withResolvers<never>();
  const cancelWith = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  const onStop = () => cancelWith(signals.find(({ aborted }) => aborted)?.reason);
  const cancel = schedule(
    () => cancelWith(new DOMException(`nothing within ${timeoutMs} ms`, "TimeoutError")),
    timeoutMs,
  );
  for (const signal of signals) signal.addEventListener("abort", onStop, { once: true });

  async function run(): Promise<RestAnswer> {
    const response = await fetch(url, { ...init, redirect: "manual", signal: controller.signal });
    hooks.onAnswerStarted?.();
    const text = await textOf(response, maxBytes, controller.signal);
    hooks.onAnswered?.();
    return { status: response.status, headers: response.headers, text };
  }

  try {
    return await Promise.race([run(), cancelled]);
  } finally {
    cancel();
    for (const signal of signals) signal.removeEventListener("abort", onStop);
  }
}

async function textOf(
  { body }: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  await readPieces(body, signal, (bytes) => {
    size += bytes.length;
    if (size > maxBytes) {
      throw new RangeError(`an answer of more than ${maxBytes / 1024 / 1024} MiB`);
    }
    text += decoder.decode(bytes, { stream: true });
  });
  return text + decoder.decode();
}

/** Discord's own API; the version is added to each request. */
export const DISCORD_API_BASE = "https://discord.com/api";

/** The base URL of all requests, without version and trailing slash, or the problem of the text. */
export type ApiUrl = { readonly base: string } | { readonly problem: string };

const EXPECTED = "expected http(s)://host[:port], with or without /api or /api/v10";

/** The paths that may follow the host. */
const PATHS: readonly string[] = ["", "/", "/api", "/api/", "/api/v10", "/api/v10/"];

/**
 * Reads the value of `DISCORD_API_URL` (G14).
 *
 * @param text For example `"http://127.0.0.1:8080"`.
 * @returns For example `{ base: "http://127.0.0.1:8080/api" }`. A problem is a sentence for the
 * operator, and never contains a password.
 */
export function parseApiUrl(text: string): ApiUrl {
  const url = URL.parse(text.trim());
  if (!url) return { problem: `DISCORD_API_URL is not a URL: ${EXPECTED}` };
  if (url.username || url.password) {
    return { problem: `DISCORD_API_URL must not hold a user name or password: ${EXPECTED}` };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { problem: `DISCORD_API_URL begins with ${url.protocol}//: ${EXPECTED}` };
  }
  if (url.search || url.hash || !PATHS.includes(url.pathname)) {
    return { problem: `DISCORD_API_URL has more than a host, "${url.pathname}": ${EXPECTED}` };
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    return {
      problem:
        `DISCORD_API_URL is plain http to ${url.hostname}, which would expose the bot token ` +
        "to the network: use https, or a loopback address such as 127.0.0.1",
    };
  }
  return { base: `${url.origin}/api` };
}
