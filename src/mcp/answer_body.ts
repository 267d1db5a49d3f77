/**
 * Reads what servers send over HTTP, bounds it, and ends a stream that breaks off before its answer.
 *
 * The library waits for ever if a stream of events ends without the answer. So an answer of ours
 * follows, which says that the connection is lost (T1).
 *
 * It also judges a failed call: whether the server may have run it all the same (T1).
 */

import { createParser } from "eventsource-parser";
import type { JSONRPCMessage } from "@ai-sdk/mcp";
import { codeOf } from "../lib/errors.ts";
import { createFloodCheck, MAX_IN_SECOND } from "../lib/flood_check.ts";
import { readBody } from "../lib/network/read_body.ts";
import { isRecord } from "../lib/text/json.ts";
import { LOST_CODE, readMessages, TOOLS_CHANGED, unread, UNREAD_CODE } from "./reading.ts";

/** Maximum bytes of one answer that is no stream, and of one event. */
const MAX_BYTES = 8_000_000;
/** Milliseconds until a closed stream is continued: the default, and the bounds of a server's wish. */
const RETRY_MS = 1_000;
const RETRY_BOUNDS = [100, 60_000] as const;

/** A request that an answer belongs to. */
export interface Asked {
  readonly id: number;
  readonly method: string;
}

interface EventPorts {
  /** Requests whose answers a stream may bring that answers none of its own: methods by id. */
  readonly accepted?: ReadonlyMap<number, string>;
  readonly onAnswer?: (id: unknown) => void;
  /** The server has other tools now. */
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
 * The same response with a body that is read and bounded, and that always has an answer.
 *
 * @param asked Absent for a stream that answers none.
 * @throws {Error} If a body that is no stream breaks off, or is too large.
 */
export async function withAnswer(
  response: Response,
  asked: Asked | undefined,
  ports: EventPorts = {},
): Promise<Response> {
  const { statusText, headers, body } = response;
  const status = asked && response.status === 202 ? 200 : response.status; // it is an answer
  const kept = new Headers(headers);
  // The body is decoded already, so its length and coding on the wire say nothing about it.
  kept.delete("content-length");
  kept.delete("content-encoding");
  const isStream = body !== null && isEventStream(response);
  const stream = isStream && events(body, asked, ports);
  if (stream && (!asked || asked.method === "tools/call")) {
    return new Response(stream, { status, statusText, headers: kept });
  }
  if (!asked) return response;
  const text = await (stream ? new Response(stream).text() : textOf(response));
  const messages = stream
    ? text.split("\n\n").filter((event) => event.startsWith("data: "))
      .map((event): JSONRPCMessage => JSON.parse(event.slice("data: ".length)))
    : readMessages(text, new Map([[asked.id, asked.method]]));
  const isAnswered = messages.some((one) => "id" in one && one.id === asked.id);
  if (!isAnswered && !response.ok) return new Response(text, { status, statusText, headers: kept });
  const all = isAnswered ? messages : [...messages, unread(asked.id, text || "it is empty")];
  kept.set("content-type", "application/json");
  return Response.json(all.length === 1 ? all[0] : all, { status, statusText, headers: kept });
}

/** The text of a body; it is bounded. */
export async function textOf({ body }: Response): Promise<string> {
  const { signal } = new AbortController(); // the body watches that of its request
  const bytes = await readBody(body, { maxBytes: MAX_BYTES, tooLarge: tooLong, signal });
  return new TextDecoder().decode(bytes);
}

export function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
}

function tooLong(): Error {
  return new Error(`the server's answer has more than ${MAX_BYTES / 1_000_000} MB`);
}

function events(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  asked: Asked | undefined,
  { accepted = new Map(), onAnswer, onToolsChanged, resume }: EventPorts,
): ReadableStream<Uint8Array> {
  let reader = body.getReader();
  const waiting = asked ? new Map([[asked.id, asked.method]]) : accepted;
  let hasAnswer = false; // a stream without a request has none, and goes on
  let read = "";
  let problem: Error | undefined;
  let lastEventId = "";
  let retryMs = RETRY_MS;
  const isFlood = createFloodCheck(() => performance.now());
  let decoder = new TextDecoder();

  const parser = createParser({
    maxBufferSize: MAX_BYTES,
    onId: (id) => lastEventId = id,
    onRetry: (ms) => retryMs = Math.min(Math.max(ms, RETRY_BOUNDS[0]), RETRY_BOUNDS[1]),
    onComment: () => count(),
    onError({ type }) {
      if (type === "max-buffer-size-exceeded") problem = tooLong();
    },
    onEvent({ event = "message", data }) {
      count();
      if (event !== "message" || problem) return;
      for (const message of readMessages(data, waiting)) {
        if ("method" in message && message.method === TOOLS_CHANGED) onToolsChanged?.();
        else read += `data: ${JSON.stringify(message)}\n\n`;
        if (!("method" in message)) onAnswer?.(message.id);
        hasAnswer ||= !("method" in message) && message.id === asked?.id;
      }
    },
  });

  function count(): void {
    if (!isFlood(1)) return;
    problem ??= new Error(`the server sent more than ${MAX_IN_SECOND} events in a second`);
  }

  /** Reads on until there is a message. @returns Whether the stream goes on. */
  async function readOn(): Promise<boolean> {
    while (read === "") {
      const { done, value } = await reader.read();
      // Some servers leave out the last empty line.
      parser.feed(value ? decoder.decode(value, { stream: true }) : "\n\n");
      if (problem) throw problem;
      if (done) return false;
    }
    return true;
  }

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let why = "the connection was lost before the answer";
      let goesOn = false;
      try {
        goesOn = await readOn();
        if (goesOn && hasAnswer && asked?.method !== "tools/call") {
          goesOn = false;
          await reader.cancel();
        }
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        await reader.cancel().catch(() => {}); // it has failed already
      }
      if (!goesOn && !hasAnswer && lastEventId !== "") {
        const more = await resume?.(lastEventId, retryMs).catch(() => undefined); // it is lost then
        if (more) {
          reader = more.getReader();
          decoder = new TextDecoder();
          parser.reset();
          goesOn = true;
          read ||= ":\n\n";
        }
      }
      if (!goesOn && !hasAnswer && asked) {
        const error = { code: LOST_CODE, message: why };
        read += `data: ${JSON.stringify({ jsonrpc: "2.0", id: asked.id, error })}\n\n`;
      }
      if (read !== "") controller.enqueue(new TextEncoder().encode(read));
      read = "";
      if (!goesOn) controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
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
  if (typeof code === "number") return code === LOST_CODE || code === UNREAD_CODE;
  if (typeof statusCode === "number") return statusCode >= 500;
  if (typeof message === "string" && NOT_SENT.test(message)) return false;
  if (NOT_CONNECTED.has(codeOf(error) ?? "")) return false;
  return cause === undefined || mayHaveRun(cause);
}

/** Whether the library got an answer by JSON-RPC, so that the connection works. */
export function isAnswer(error: unknown): boolean {
  return isRecord(error) && typeof error["code"] === "number" && error["code"] !== LOST_CODE;
}
