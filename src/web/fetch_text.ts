/**
 * Fetches from the web: a text, which is a page, a document in JSON or XML, or plain text; or a
 * file.
 *
 * Sends no cookies and no credentials. Follows redirects by hand, so that each address is checked.
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { endingWithin, schedule } from "../lib/clock.ts";
import { checkedUrl, guardedGet, type GuardedRequest, WebError } from "./guarded_get.ts";

/** Maximum bytes of a page, compressed and decompressed. */
const MAX_BODY_BYTES = 2_000_000;

/**
 * Reads the body.
 *
 * @param maxBytes Maximum bytes, compressed and decompressed.
 * @throws {WebError} If it is too large, or cannot be decompressed.
 */
export async function readBody(
  response: IncomingMessage,
  signal: AbortSignal,
  maxBytes = MAX_BODY_BYTES,
): Promise<Buffer> {
  const tooLarge = () => new WebError(`it is larger than ${maxBytes / 1_000_000} MB`);
  const announced = Number(response.headers["content-length"]);
  if (announced > maxBytes) {
    response.destroy();
    throw tooLarge();
  }
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const decoder = decoderFor(encoding);
  try {
    let compressed = 0;
    const chunks: Buffer[] = [];
    let size = 0;
    const keep = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    };
    if (!decoder) {
      for await (const chunk of response) keep(chunk);
      signal.throwIfAborted();
      return Buffer.concat(chunks);
    }
    response.on("data", (chunk: Buffer) => {
      compressed += chunk.length;
      if (compressed > maxBytes) decoder.destroy(tooLarge());
    });
    response.on("error", (error) => decoder.destroy(error));
    response.on("aborted", () => decoder.destroy(new WebError("the server broke the connection")));
    response.pipe(decoder);
    for await (const chunk of decoder) keep(chunk);
    signal.throwIfAborted();
    return Buffer.concat(chunks);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof WebError) throw cause;
    throw new WebError(
      decoder ? "it cannot be decompressed" : "the server broke the connection",
      { cause },
    );
  } finally {
    decoder?.destroy();
    response.destroy();
  }
}

function decoderFor(encoding: string) {
  switch (encoding) {
    case "identity":
    case "":
      return undefined;
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    default:
      throw new WebError("it has an unknown compression");
  }
}

/**
 * The text of a body.
 *
 * @param contentType The header's value. A byte order mark counts before its charset. The charset of a
 * `meta` element or of an XML declaration counts if the header names none that is known.
 */
export function textOf(body: Buffer, contentType: string): string {
  const inHeader = /charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1];
  const beginning = body.subarray(0, 2_048).toString("latin1");
  const inBody = /<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})/i.exec(beginning)?.[1] ??
    /^\s*<\?xml[^>]{0,200}encoding\s*=\s*["']([\w-]{1,40})/i.exec(beginning)?.[1];
  // A declaration in UTF-16 could not be read above. Most of a text with an unknown charset is ASCII.
  const named = /^utf-16/i.test(inBody ?? "") ? undefined : inBody;
  const decoder = decoderOf(markedBy(body)) ?? decoderOf(inHeader) ?? decoderOf(named) ??
    new TextDecoder();
  return decoder.decode(body);
}

/** The charset of a byte order mark. */
function markedBy(body: Buffer): string | undefined {
  const [first, second, third] = body;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}

function decoderOf(label: string | undefined): TextDecoder | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

interface FetchedText {
  /** The address after redirects. */
  readonly url: string;
  readonly isHtml: boolean;
  readonly text: string;
}

const MAX_REDIRECTS = 3;

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
  asked: GuardedRequest,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<FetchedText> {
  return fetched(written, asked, readText, signal, timeoutMs);
}

/** Milliseconds for a file: a downlink of 4 Mbit/s needs 16 s for 8 MB. */
const FILE_TIMEOUT_MS = 30_000;

/** Fetches a file of any type; otherwise as {@link fetchText}. */
export function fetchFile(
  written: string,
  maxBytes: number,
  asked: GuardedRequest,
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
    asked,
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
  asked: GuardedRequest,
  read: ReadResponse<Result>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Result> {
  const late = () => new WebError(`no whole answer within ${timeoutMs / 1_000} s`);
  // A name server that does not answer ignores the signal.
  return await endingWithin(
    timeoutMs,
    schedule,
    signal,
    late,
    (ending) => follow(written, asked, read, ending),
  );
}

async function follow<Result>(
  written: string,
  asked: GuardedRequest,
  read: ReadResponse<Result>,
  signal: AbortSignal,
): Promise<Result> {
  let url = checkedUrl(written, asked.allowedPorts);
  for (let redirects = 0;; redirects++) {
    const response = await guardedGet(url, asked, signal);
    response.on("error", () => {}); // the reader reports it
    const { statusCode: status = 0, headers } = response;
    if (REDIRECTS.has(status) && headers.location !== undefined) {
      response.destroy();
      const { maxRedirects = MAX_REDIRECTS } = asked;
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
      url = checkedUrl(new URL(headers.location, url).href, asked.allowedPorts);
      continue;
    }
    if (!asked.takesAnyStatus && (status < 200 || status > 299)) {
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
