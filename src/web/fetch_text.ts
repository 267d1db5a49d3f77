/**
 * Fetches from the web: a text, which is a page, a document in JSON or XML, or plain text; or a
 * file.
 *
 * Sends no cookies and no credentials. Follows redirects by hand, so that each address is checked.
 */

import { whenAborted } from "../lib/clock.ts";
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { checkedUrl, guardedGet, type GuardPorts, WebError } from "./guarded_get.ts";
import { readBody, textOf } from "./read_body.ts";

interface FetchedText {
  /** The address after redirects. */
  readonly url: string;
  readonly isHtml: boolean;
  readonly text: string;
}

const MAX_REDIRECTS = 3;

/** Milliseconds for the whole fetch, with all redirects. */
const TIMEOUT_MS = 15_000;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Types that are text, apart from `text/…`. */
const TEXT_TYPE =
  /^(?:text\/[\w.+-]+|application\/(?:(?:[\w.-]+\+)?(?:json|xml|yaml)|json5|x-yaml|toml|javascript|x-ndjson))$/;

/**
 * Fetches a text.
 *
 * @param written The address as the model wrote it.
 * @param timeoutMs Milliseconds for the whole fetch.
 * @throws {WebError} If it cannot be fetched, with the reason for the model; or the signal's reason.
 */
export function fetchText(
  written: string,
  ports: GuardPorts,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<FetchedText> {
  return fetched(written, ports, readText, signal, timeoutMs);
}

/** Milliseconds for a file: a downlink of 4 Mbit/s needs 16 s for 8 MB. */
const FILE_TIMEOUT_MS = 30_000;

/** Fetches a file of any type; otherwise as {@link fetchText}. */
export function fetchFile(
  written: string,
  maxBytes: number,
  ports: GuardPorts,
  signal: AbortSignal,
): Promise<{
  /** The address after redirects. */
  readonly url: string;
  /** The type that the server names; empty if it names none. */
  readonly contentType: string;
  readonly bytes: Buffer;
}> {
  return fetched(
    written,
    ports,
    async (response, url, ending) => ({
      url: url.href,
      contentType: response.headers["content-type"]?.split(";", 1)[0]?.trim() ?? "",
      bytes: await readBody(response, ending, maxBytes),
    }),
    signal,
    FILE_TIMEOUT_MS,
  );
}

type ReadResponse<Result> = (
  response: IncomingMessage,
  url: URL,
  signal: AbortSignal,
) => Promise<Result>;

/** Fetches an answer for a reader, and returns its result. @throws As {@link fetchText}. */
export async function fetched<Result>(
  written: string,
  ports: GuardPorts,
  read: ReadResponse<Result>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Result> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const late = setTimeout(
    () => stop.abort(new WebError(`no whole answer within ${timeoutMs / 1_000} s`)),
    timeoutMs,
  );
  try {
    const stopped = whenAborted(stop.signal).then(() => Promise.reject(stop.signal.reason));
    // A name server that does not answer ignores the signal.
    return await Promise.race([follow(written, ports, read, stop.signal), stopped]);
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
    stop.abort(); // closes open connections
  }
}

async function follow<Result>(
  written: string,
  ports: GuardPorts,
  read: ReadResponse<Result>,
  signal: AbortSignal,
): Promise<Result> {
  let url = checkedUrl(written, ports.allowedPorts);
  for (let redirects = 0;; redirects++) {
    const response = await guardedGet(url, ports, signal);
    response.on("error", () => {}); // the reader reports it
    const { statusCode: status = 0, headers } = response;
    if (REDIRECTS.has(status) && headers.location !== undefined) {
      response.destroy();
      const { maxRedirects = MAX_REDIRECTS } = ports;
      if (redirects === maxRedirects) {
        throw new WebError(
          maxRedirects === 0
            ? "it redirects to another address"
            : `the page redirects more than ${maxRedirects} times`,
        );
      }
      if (!URL.canParse(headers.location, url.href)) {
        throw new WebError("the page redirects to no web address");
      }
      url = checkedUrl(new URL(headers.location, url).href, ports.allowedPorts);
      continue;
    }
    if (!ports.takesAnyStatus && (status < 200 || status > 299)) {
      response.destroy();
      throw new WebError(`the server answered with status ${status}`);
    }
    url.hash = "";
    return await read(response, url, signal);
  }
}

async function readText(
  response: IncomingMessage,
  url: URL,
  signal: AbortSignal,
): Promise<FetchedText> {
  const { headers } = response;
  const contentType = headers["content-type"] ?? "text/plain";
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!TEXT_TYPE.test(type)) {
    response.destroy();
    throw new WebError(`this is ${JSON.stringify(type.slice(0, 60))}; only text can be fetched`);
  }
  const text = textOf(await readBody(response, signal), contentType);
  const isHtml = type === "text/html" || type === "application/xhtml+xml" ||
    (headers["content-type"] === undefined && /^\s*<(?:!doctype html|html)/i.test(text));
  return { url: url.href, isHtml, text };
}
