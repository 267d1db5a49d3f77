/**
 * Reads messages of servers into the form that the library takes. The library refuses a whole list
 * or result for one odd field; here, one odd item is left out, and named.
 *
 * Each message is one of JSON-RPC. An answer is read by the method that it answers. `null` is an
 * absent field, and so is an optional field of another type.
 *
 * Over HTTP, the library waits for ever if a stream of events ends without the answer. So an answer
 * of ours follows, which says that the connection is lost, and whether the server may have run the
 * call (T1).
 */

import type { JSONRPCMessage } from "@ai-sdk/mcp";
import { createParser } from "eventsource-parser";
import type { Clock } from "../lib/clock.ts";
import { codeOf } from "../lib/errors.ts";
import { readBody } from "../lib/network/fetch_plain.ts";
import { isRecord, parseForeignJson } from "../lib/text/quoted.ts";

/** Maximum number of lines or events in a second. Servers send a few for each call. */
export const MAX_IN_SECOND = 2_000;
const SECOND_MS = 1_000;

/**
 * Counts the lines or events of one server.
 *
 * @param now Milliseconds of a clock that never goes back.
 * @returns A function that adds some, and tells whether there are too many now.
 */
export function createFloodCheck(now: Clock["now"]): (added: number) => boolean {
  let beganAt = now();
  let counted = 0;
  return (added: number): boolean => {
    const at = now();
    if (at - beganAt >= SECOND_MS) [beganAt, counted] = [at, 0];
    counted += added;
    return counted > MAX_IN_SECOND;
  };
}

/** Code of the error that stands for a lost answer. No server's error keeps it. */
export const LOST_CODE: number = -32_098;
/** Code of the error that stands for an answer that cannot be read. */
const UNREAD_CODE: number = -32_097;
const OTHER_CODE = -32_000;

/** The message of a server that has other tools now. The library knows no such message. */
export const TOOLS_CHANGED = "notifications/tools/list_changed";

/** Versions that `initialize` may agree on, the newest first. The library asks for the first one. */
const VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const MAX_WORDS = 500;

/** Requests that wait for their answers: methods by id. */
type Waiting = ReadonlyMap<number, string>;
type Request = Extract<JSONRPCMessage, { readonly method: string; readonly id: unknown }>;

/**
 * Reads a text: one message, or several in a list.
 *
 * @returns Messages for the library; empty if the text is none of JSON-RPC.
 */
export function readMessages(text: string, waiting: Waiting): readonly JSONRPCMessage[] {
  const given = parseForeignJson(text) ?? almostJson(text, waiting);
  return (Array.isArray(given) ? given : [given]).flatMap((one) => readMessage(one, waiting) ?? []);
}

/** Some programs write numbers such as NaN. Then the result is the text itself. */
function almostJson(text: string, waiting: Waiting): unknown {
  const whole = text.trim();
  if (!whole.startsWith("{") || !whole.endsWith("}") || !whole.includes('"result"')) {
    return undefined;
  }
  const ids = [...whole.matchAll(/"id"\s*:\s*"?(\d+)/g)].map(([, id]) => Number(id));
  return { id: ids.find((id) => waiting.has(id)), result: text };
}

function readMessage(given: unknown, waiting: Waiting): JSONRPCMessage | undefined {
  if (!isRecord(given)) return undefined;
  const { method, params, result, error } = given;
  const jsonrpc = "2.0";
  if (typeof method === "string") {
    const { id } = given;
    const message = { jsonrpc, method, params: fieldsOf(params) } as const;
    return isId(id) ? { ...message, id } : message;
  }
  const isRefusal = error !== undefined && error !== null;
  const [only] = waiting.size === 1 ? [...waiting.keys()] : [];
  const id = idOf(given) ?? only; // some errors have no id, or a word
  if (id === undefined || !isRefusal && !("result" in given)) return undefined;
  const read = isRefusal ? readError(error) : readResult(waiting.get(id), result);
  if (typeof read === "string") return unread(id, read);
  // The library ends the connection at some errors of `server/discover`; `initialize` is next.
  if ("error" in read && waiting.get(id) === "server/discover") read.error.code = OTHER_CODE;
  return { jsonrpc, id, ...read };
}

/**
 * The first request again, with an older version of MCP, if a server refuses the newest one.
 *
 * @param body The request, as it was sent.
 * @param answer The answer, or the text of a refusal.
 * @param isProgram Programs are older than servers over HTTP.
 * @returns `undefined` if the server has taken the request, or was asked again.
 */
export function askingOlder(
  body: unknown,
  answer: string,
  isProgram: boolean,
): Request | undefined {
  const first = parseForeignJson(String(body));
  const params = isRecord(first) ? fieldsOf(first["params"]) : undefined;
  const isTaken = "result" in Object(parseForeignJson(answer));
  if (isTaken || params?.["protocolVersion"] !== VERSIONS[0]) return undefined;
  const named = VERSIONS.slice(1).find((version) => answer.includes(version));
  const protocolVersion = named ?? (isProgram ? "2024-11-05" : "2025-03-26");
  const plain = { ...params, protocolVersion, capabilities: {} };
  return { jsonrpc: "2.0", id: idOf(first) ?? 0, method: "initialize", params: plain };
}

function isId(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

/** The id of an answer; `undefined` if it is no number. */
export function idOf(answer: unknown): number | undefined {
  const id = isRecord(answer) ? answer["id"] : undefined;
  return typeof id === "number" || typeof id === "string" && /^\d+$/.test(id)
    ? Number(id)
    : undefined;
}

/** An answer that says that the server's own cannot be read. */
export function unread(id: number, why: string): JSONRPCMessage {
  const message = `the server's answer cannot be read: ${why.slice(0, MAX_WORDS)}`;
  return { jsonrpc: "2.0", id, error: { code: UNREAD_CODE, message } };
}

interface ReadError {
  readonly error: { code: number; readonly message: string; readonly data?: unknown };
}

function readError(error: unknown): ReadError {
  const { code, message, data } = fieldsOf(error) ?? { message: error };
  const isTheirs = Number.isInteger(code) && code !== LOST_CODE && code !== UNREAD_CODE;
  const words = typeof message === "string" ? message : JSON.stringify(message ?? error);
  return { error: { code: isTheirs ? Number(code) : OTHER_CODE, message: words, data } };
}

/** @returns Why the result cannot be read, as text; or the result or an error. */
function readResult(
  method: string | undefined,
  given: unknown,
): { readonly result: Record<string, unknown> } | ReadError | string {
  const fields = fieldsOf(given) ?? {};
  const { resultType, protocolVersion, tools, nextCursor, inputRequests } = fields;
  const result = { resultType: "complete" };
  switch (method) {
    case "initialize":
    case "server/discover": {
      if (method === "initialize" && !VERSIONS.includes(String(protocolVersion))) {
        return readError(`the server speaks another version of MCP: ${String(protocolVersion)}`);
      }
      const server = { serverInfo: { name: "", version: "" }, _meta: {}, instructions: "" };
      return { result: { ...fields, ...server, ...result, capabilities: { tools: {} } } };
    }
    case "tools/list":
      if (tools !== null && !Array.isArray(tools)) return "it has no list of tools";
      return {
        result: {
          ...result,
          ...readTools(tools ?? []),
          nextCursor: isId(nextCursor) ? String(nextCursor) : "",
        },
      };
    case "tools/call":
      if (resultType !== "input_required") {
        return { result: { ...result, content: [], toolResult: given } };
      }
      return Object.keys({ ...fieldsOf(inputRequests) }).length > 0
        ? readError("the tool asks for more input, which Barnacle cannot give")
        : { result: fields };
    default:
      return { result: fields };
  }
}

/** A tool that the library does not get. */
export interface LeftTool {
  readonly name: string;
  readonly why: string;
}

function readTools(given: readonly unknown[]) {
  const read = given.map(readTool);
  const left = read.flatMap((why, at): readonly LeftTool[] => {
    if (typeof why !== "string") return [];
    const { name } = { ...fieldsOf(given[at]) };
    const isNamed = typeof name === "string" && name !== "";
    return [{
      name: isNamed ? name.slice(0, 100).toWellFormed() : `tool ${at + 1} of a page`,
      why,
    }];
  });
  const tools = read.filter((tool) => typeof tool !== "string");
  return { tools, left, names: tools.map(({ name }) => name) };
}

/** @returns Why the model cannot use the tool, as text; or the tool. */
function readTool(item: unknown) {
  const { name, description, inputSchema, annotations } = { ...fieldsOf(item) };
  if (typeof name !== "string" || name === "") return "it has no name";
  const schema = fieldsOf(inputSchema ?? {});
  const properties = fieldsOf(schema?.["properties"] ?? {});
  if (!schema || !properties) return "its schema is no object";
  const given = Object.entries(schema).filter(([, value]) => value !== null);
  const { readOnlyHint, idempotentHint } = { ...fieldsOf(annotations) };
  return {
    name,
    description: typeof description === "string" ? description : "",
    inputSchema: { ...Object.fromEntries(given), ...("properties" in schema && { properties }) },
    annotations: { readOnlyHint: readOnlyHint === true, idempotentHint: idempotentHint === true },
  };
}

/** The fields of an object; of none for PHP's empty object, `[]`; `undefined` for all else. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (Array.isArray(value)) return value.length === 0 ? {} : undefined;
  return isRecord(value) ? value : undefined;
}

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

/** @returns `undefined` if the server does not continue the stream after that event. */
type Resume = (
  lastEventId: string,
  ms: number,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined>;

/**
 * The same response with a body that is read and bounded, and that always has an answer.
 *
 * @param asked Absent for a stream that answers none.
 * @param onToolsChanged The server has other tools now.
 * @param resume Continues a stream that ended before its answer, after some milliseconds.
 * @throws {Error} If a body that is no stream breaks off, or is too large.
 */
export async function withAnswer(
  response: Response,
  asked: Asked | undefined,
  onToolsChanged?: () => void,
  resume?: Resume,
): Promise<Response> {
  const { statusText, headers, body } = response;
  const status = asked && response.status === 202 ? 200 : response.status; // it is an answer
  const kept = new Headers(headers);
  // The body is decoded already, so its length and coding on the wire say nothing about it.
  kept.delete("content-length");
  kept.delete("content-encoding");
  const isStream = body !== null && isEventStream(response);
  const stream = isStream && events(body, asked, onToolsChanged, resume);
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
  onToolsChanged?: () => void,
  resume?: Resume,
): ReadableStream<Uint8Array> {
  let reader = body.getReader();
  const waiting = new Map(asked ? [[asked.id, asked.method]] : []);
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
