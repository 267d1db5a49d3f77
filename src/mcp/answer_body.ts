/**
 * Bounds the body of a server's answer, and ends a stream that breaks off before its answer.
 *
 * The library waits for ever if a stream of events ends without the answer. So an answer of ours
 * follows, which says that the connection is lost (T1).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { withSchema } from "./elicitation/page_request.ts";
import { createFloodCheck, MAX_IN_SECOND } from "./flood.ts";

/** Code of the error that stands for a lost answer. Servers use the range, and rarely this one. */
export const LOST_CODE: number = -32_098;

/** Maximum bytes of one answer that is no stream, and of one event. */
const MAX_BYTES = 8_000_000;
const EVENT_END = /\r?\n\r?\n/;
/** Bytes of a piece that the next one may continue. */
const OVERLAP = 64;

/**
 * The same response with a body that is bounded, and that always has an answer.
 *
 * @param id Id of the request; absent for a stream that answers none.
 */
export function withAnswer(response: Response, id: number | undefined): Response {
  if (!response.body) return response;
  const isStream = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
  const { status, statusText, headers } = response;
  const body = isStream ? events(response.body, id) : limited(response.body);
  return new Response(body, { status, statusText, headers: withoutLength(headers) });
}

/** The body is decoded already, so its length and coding on the wire say nothing about it. */
function withoutLength(headers: Headers): Headers {
  const kept = new Headers(headers);
  kept.delete("content-length");
  kept.delete("content-encoding");
  return kept;
}

function tooLong(): Error {
  return new Error(`the server's answer has more than ${MAX_BYTES / 1_000_000} MB`);
}

function limited(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array> {
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        bytes += piece.length;
        if (bytes > MAX_BYTES) controller.error(tooLong());
        else controller.enqueue(piece);
      },
    }),
  );
}

function events(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  id: number | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const answer = new RegExp(`"id"\\s*:\\s*"?${id}"?\\s*[,}]`);
  let hasAnswer = id === undefined;
  let isInEvent = false; // the answer's id is in the current event
  let last = "";
  let bytes = 0; // of the current event
  const isFlood = createFloodCheck();
  const decoder = new TextDecoder("latin1"); // ids, quotes and line ends are ASCII
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let why = "the connection was lost before the answer";
      try {
        const { done, value } = await reader.read();
        if (value) {
          const text = decoder.decode(value);
          const parts = (last + text).split(EVENT_END);
          const current = parts.pop() ?? "";
          hasAnswer ||= parts.length > 0 && isInEvent || parts.some((part) => answer.test(part));
          isInEvent = parts.length === 0 && isInEvent || answer.test(current);
          bytes = parts.length > 0 ? current.length : bytes + value.length;
          last = current.slice(-OVERLAP);
          if (bytes > MAX_BYTES) throw tooLong();
          if (isFlood(parts.length)) {
            throw new Error(`the server sent more than ${MAX_IN_SECOND} events in a second`);
          }
          const shown = withSchema(text);
          return controller.enqueue(shown === text ? value : Buffer.from(shown, "latin1"));
        }
        if (!done) return;
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        await reader.cancel().catch(() => {}); // it has failed already
      }
      if (!hasAnswer) controller.enqueue(lostAnswer(id, why));
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** An event of ours, after the rest of a broken one. */
function lostAnswer(id: number | undefined, message: string): Uint8Array {
  const error = { code: LOST_CODE, message };
  const data = JSON.stringify({ jsonrpc: "2.0", id, error });
  return new TextEncoder().encode(`\n\nevent: message\ndata: ${data}\n\n`);
}
