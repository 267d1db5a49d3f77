/**
 * Bounds what servers send: the body of an answer, and a flood of lines. It also ends a stream that
 * breaks off before its answer.
 *
 * The library waits for ever if a stream of events ends without the answer. So an answer of ours
 * follows, which says that the connection is lost (T1).
 *
 * It also judges a failed call: whether the server may have run it all the same (T1).
 */

import type { Clock } from "../lib/clock.ts";
import { codeOf } from "../lib/errors.ts";
import { isRecord } from "../lib/text/json.ts";

/** Code of the error that stands for a lost answer. Servers use the range, and rarely this one. */
export const LOST_CODE: number = -32_098;

/** The message of a server that has other tools now. The library knows no such message. */
export const TOOLS_CHANGED = "notifications/tools/list_changed";
/** The same within a stream. A text that quotes it costs one more look at the tools. */
const CHANGED = /notifications\\?\/tools\\?\/list_changed/;

/** Maximum bytes of one answer that is no stream, and of one event. */
const MAX_BYTES = 8_000_000;
const EVENT_END = /\r?\n\r?\n/;
/** Bytes of a piece that the next one may continue. */
const OVERLAP = 64;
/** Characters of a line, of which those with an event's id have less. */
const MAX_ID_LINE = 1_000;
/** Milliseconds until a closed stream is continued: the default, and the bounds of a server's wish. */
const RETRY_MS = 1_000;
const RETRY_BOUNDS = [100, 60_000] as const;

interface EventPorts {
  /** A stream seems to say that the server has other tools now. */
  readonly onToolsChanged?: () => void;
  /**
   * Continues a stream that ended before its answer, after some milliseconds.
   *
   * @returns `undefined` if the server does not.
   */
  readonly resume?: (
    lastEventId: string,
    ms: number,
  ) => Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined>;
}

/**
 * The same response with a body that is bounded, and that always has an answer.
 *
 * @param id Id of the request; absent for a stream that answers none.
 */
export function withAnswer(
  response: Response,
  id: number | undefined,
  ports: EventPorts = {},
): Response {
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  const body = isEventStream(response) ? events(response.body, id, ports) : limited(response.body);
  return new Response(body, { status, statusText, headers: withoutLength(headers) });
}

export function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
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
  { onToolsChanged, resume }: EventPorts,
): ReadableStream<Uint8Array> {
  let reader = body.getReader();
  const answer = new RegExp(`"id"\\s*:\\s*"?${id}"?\\s*[,}]`);
  let hasAnswer = false; // a stream without a request has none, and goes on
  let isInEvent = false; // the answer's id is in the current event
  let last = "";
  let bytes = 0; // of the current event
  let line = "";
  let lastEventId = "";
  let retryMs = RETRY_MS;
  const isFlood = createFloodCheck();
  const decoder = new TextDecoder("latin1"); // ids, quotes and line ends are ASCII

  /** Notes where the stream could be continued. */
  function readFields(text: string): void {
    const lines = (line + text).split(/\r\n|[\r\n]/);
    line = lines.pop()?.slice(0, MAX_ID_LINE) ?? "";
    for (const one of lines) {
      const [, field, value = ""] = /^(id|retry): ?([^\0]*)$/.exec(one) ?? [];
      if (field === "id") lastEventId = value;
      if (field === "retry" && /^\d+$/.test(value)) {
        retryMs = Math.min(Math.max(Number(value), RETRY_BOUNDS[0]), RETRY_BOUNDS[1]);
      }
    }
  }

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let why = "the connection was lost before the answer";
      try {
        const { done, value } = await reader.read();
        if (value) {
          const text = decoder.decode(value);
          if (CHANGED.test(last + text)) onToolsChanged?.();
          if (!hasAnswer) readFields(text);
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
          return controller.enqueue(value);
        }
        if (!done) return;
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        await reader.cancel().catch(() => {}); // it has failed already
      }
      if (!hasAnswer && lastEventId !== "") {
        const more = await resume?.(lastEventId, retryMs).catch(() => undefined); // it is lost then
        if (more) {
          reader = more.getReader();
          [isInEvent, last, line, bytes] = [false, "", "", 0];
          return controller.enqueue(new TextEncoder().encode("\n\n")); // ends a broken event
        }
      }
      if (!hasAnswer && id !== undefined) controller.enqueue(lostAnswer(id, why));
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** An event of ours, after the rest of a broken one. */
function lostAnswer(id: number, message: string): Uint8Array {
  const error = { code: LOST_CODE, message };
  const data = JSON.stringify({ jsonrpc: "2.0", id, error });
  return new TextEncoder().encode(`\n\nevent: message\ndata: ${data}\n\n`);
}

/** Maximum number of lines or events in a second. Servers send a few for each call. */
export const MAX_IN_SECOND = 2_000;
const SECOND_MS = 1_000;

/**
 * Counts the lines or events of one server.
 *
 * @param now Milliseconds of a clock that never goes back.
 * @returns A function that adds some, and tells whether there are too many now.
 */
export function createFloodCheck(
  now: Clock["now"] = () => performance.now(),
): (added: number) => boolean {
  let beganAt = now();
  let counted = 0;
  return (added: number): boolean => {
    const at = now();
    if (at - beganAt >= SECOND_MS) [beganAt, counted] = [at, 0];
    counted += added;
    return counted > MAX_IN_SECOND;
  };
}

/** Codes of a connection that was never made, on all runtimes. */
const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/** Words of a library, a transport or a runtime that has sent nothing. */
const NOT_SENT =
  /^(?:Attempted to send a request from a closed client|the program has ended)$|tcp connect error/;

/**
 * Whether the server may have run the call. It has not if it answers with an error, refuses the
 * request, or never got it.
 */
export function mayHaveRun(error: unknown): boolean {
  if (!isRecord(error)) return true;
  const { code, statusCode, message, cause } = error;
  if (typeof code === "number") return code === LOST_CODE; // an error by JSON-RPC
  if (typeof statusCode === "number") return statusCode >= 500;
  if (typeof message === "string" && NOT_SENT.test(message)) return false;
  if (NOT_CONNECTED.has(codeOf(error) ?? "")) return false;
  return cause === undefined || mayHaveRun(cause);
}

/** Whether the library got an answer by JSON-RPC, so that the connection works. */
export function isAnswer(error: unknown): boolean {
  return isRecord(error) && typeof error["code"] === "number" && error["code"] !== LOST_CODE;
}

/** Whether a server that has refused a request of a session no longer knows the session. */
export function isLostSession(error: unknown): boolean {
  if (!isRecord(error)) return false;
  const { code, statusCode, message } = error;
  return statusCode === 404 ||
    typeof code === "number" && typeof message === "string" && /session/i.test(message);
}
