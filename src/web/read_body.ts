/** Reads a response's body, with bounds before and after decompression (SEC-R25). */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { WebError } from "./guarded_get.ts";

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
