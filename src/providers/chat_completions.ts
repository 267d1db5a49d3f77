/**
 * Asks OpenAI-compatible servers for chat completions.
 *
 * Does not use a library, because one for all providers costs more CPU time than the rest of a
 * turn.
 *
 * An answer is a stream of chunks, or one chat completion from servers that do not stream.
 *
 * The requests of a session have the same tools, and begin with the same messages. So the bytes of
 * the last one stay, and the next one only writes what comes after their common beginning. The
 * bytes are those that `fetch` copies: it would first have to join a text of many pieces, and
 * encode it.
 */

import { Buffer } from "node:buffer";
import type {
  ModelImage,
  ModelMessage,
  ModelRequest,
  ModelUsage,
  ToolDefinition,
} from "../core/model.ts";
import { oncePer } from "../lib/cache.ts";
import {
  addUnknown,
  argumentsOf,
  carriedIn,
  carriedText,
  createToolCalls,
  fieldsOf,
  finishReasonIn,
  nameOf,
  usageFrom,
} from "./answer_parts.ts";
import { readEventBody } from "./failures.ts";
import { bearerHeaders, endpointOf, type ModelSettings, withQuery } from "./settings.ts";
import {
  type AnswerReader,
  createAnswerReader,
  createStreamedAsk,
  type OpenAnswer,
} from "./streamed_ask.ts";
import { createEventBody } from "./event_body.ts";
import { withoutFields } from "./wire.ts";
import { EFFORTS } from "./thinking.ts";
import type { Ask } from "./wire.ts";

/** Bytes of a session's last request. */
interface BodyBytes {
  system: string;
  tools: ModelRequest["tools"];
  /** Bytes of the head: all fields before the first message of the conversation. */
  headBytes: number;
  /** The messages whose JSON follows the head. */
  messages: ModelMessage[];
  /** For each message, the bytes from the head's end to its own. */
  ends: number[];
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Maximum bytes of kept requests; beyond it, the session that asked longest ago writes anew. If more
 * sessions than fit take turns, none finds its bytes: fifty of 200 entries had 4.1 MB, and then a
 * reply cost a tenth more CPU time.
 */
const KEPT_MAX_BYTES = 5 * 1024 * 1024;
/** Maximum number of them: one whose messages were read anew from the store is never found again. */
const KEPT_MAX = 64;
/** Share of a session's bytes by which they grow more than they must, for the next turns. */
const SPARE = 1 / 8;
/** A session gives memory back once its request needs less than this share of it. */
const LEAST_USE = 1 / 4;

const UTF8 = new TextEncoder();

/**
 * Creates the function that writes the bodies of one model's requests. The next call may change the
 * bytes that a call returned, so they must go to `fetch` at once.
 *
 * @param options The fields that all requests have.
 */
export function createChatBodies(
  options: object,
): (request: ModelRequest) => Uint8Array<ArrayBuffer> {
  const beginning = JSON.stringify(options).slice(0, -1);
  /** By the first message, which a session's requests share. It lives as long as that message. */
  const sessions = new WeakMap<ModelMessage, BodyBytes>();
  const kept = createKeptBodies();

  function writeHead(written: BodyBytes, { system, tools }: ModelRequest): void {
    const start = `{"role":"system","content":${JSON.stringify(system)}},`;
    const head = `${beginning}${toolsJson(tools)},"messages":[${system === "" ? "" : start}`;
    const { headBytes: before } = written;
    const after = Buffer.byteLength(head);
    const end = written.ends.at(-1) ?? 0;
    fit(written, Math.max(before, after) + end);
    written.bytes.copyWithin(after, before, before + end);
    UTF8.encodeInto(head, written.bytes);
    written.system = system;
    written.tools = tools;
    written.headBytes = after;
  }

  return (request) => {
    const { system, messages, tools, thinking, mayCall = true } = request;
    const [first] = messages;
    const written = (first && sessions.get(first)) ?? emptyBytes();
    const { ends } = written;
    kept.take(written);
    const common = commonCount(written.messages, messages);
    written.messages.length = ends.length = common;
    let end = ends.at(-1) ?? 0;
    if (written.headBytes === 0 || written.system !== system || written.tools !== tools) {
      writeHead(written, request);
    }
    let hasImages = false;
    for (let at = common; at < messages.length; at++) {
      const message = messages[at];
      if (!message) break;
      if (at > 0) end = add(written, end, ",");
      const images = message.role === "user" ? message.images : undefined;
      end = images
        ? addImages(written, end, message.text, images)
        : add(written, end, jsonOf(message));
      written.messages.push(message);
      ends.push(end);
      hasImages ||= images !== undefined;
    }
    // Images take megabytes, and a session's next request has other ones.
    if (first && hasImages) sessions.delete(first);
    else if (first) sessions.set(first, written);
    // Last, so that they change no byte before.
    const effort = thinking === undefined ? "" : `,"reasoning_effort":"${EFFORTS[thinking]}"`;
    const choice = tools && tools.length > 0 && !mayCall ? ',"tool_choice":"none"' : "";
    const length = written.headBytes + add(written, end, `]${effort}${choice}}`);
    fit(written, length);
    const body = written.bytes.subarray(0, length);
    if (first && !hasImages) kept.put(written);
    return body;
  };
}

/** The kept requests, the one that was written longest ago first. */
function createKeptBodies() {
  const bodies = new Set<BodyBytes>();
  let bytes = 0;
  const take = (body: BodyBytes): void => {
    if (bodies.delete(body)) bytes -= body.bytes.length;
  };
  return {
    /** Takes a request out, because it is about to change. */
    take,
    /** Adds a request as the newest. The oldest ones beyond the limit lose their bytes. */
    put(body: BodyBytes): void {
      bodies.add(body);
      bytes += body.bytes.length;
      for (const oldest of bodies) {
        if (bytes <= KEPT_MAX_BYTES && bodies.size <= KEPT_MAX) break;
        take(oldest);
        Object.assign(oldest, emptyBytes());
      }
    },
  };
}

function emptyBytes(): BodyBytes {
  return {
    system: "",
    tools: undefined,
    headBytes: 0,
    messages: [],
    ends: [],
    bytes: new Uint8Array(),
  };
}

/** Number of messages that both begin with. Notes the other object of a message with equal JSON. */
function commonCount(written: ModelMessage[], messages: readonly ModelMessage[]): number {
  for (let at = 0; at < written.length; at++) {
    const one = written[at];
    const other = messages[at];
    if (one === other) continue;
    if (!one || !other || !isSameText(one, other)) return at;
    written[at] = other;
  }
  return written.length;
}

/** Whether both have the same JSON for sure. A turn's message is an entry of the next turn. */
function isSameText(one: ModelMessage, other: ModelMessage): boolean {
  return one.role === "user" && other.role === "user" && !one.images && !other.images &&
    one.text === other.text;
}

/**
 * Writes a text after the head and so many bytes.
 *
 * @returns The bytes from the head's end to the text's.
 */
function add(written: BodyBytes, from: number, text: string): number {
  const start = written.headBytes + from;
  const { read, written: count } = UTF8.encodeInto(text, written.bytes.subarray(start));
  if (read === text.length) return from + count;
  const length = Buffer.byteLength(text);
  fit(written, start + length);
  UTF8.encodeInto(text, written.bytes.subarray(start));
  return from + length;
}

/** Makes room for so many bytes, and gives back what is far too much. */
function fit(written: BodyBytes, length: number): void {
  const { bytes } = written;
  if (length <= bytes.length && length >= bytes.length * LEAST_USE) return;
  written.bytes = new Uint8Array(Math.ceil(length * (1 + SPARE)));
  written.bytes.set(bytes.subarray(0, written.bytes.length));
}

/** JSON of tools, because many sessions have the same ones. */
const functionsJson = oncePer((tools: readonly ToolDefinition[]) =>
  JSON.stringify(tools.map((tool) => ({ type: "function", function: tool })))
);

/** The JSON of the tools, as a further field; empty without tools. */
function toolsJson(tools: ModelRequest["tools"]): string {
  return tools && tools.length > 0 ? `,"tools":${functionsJson(tools)}` : "";
}

function jsonOf(message: ModelMessage): string {
  switch (message.role) {
    case "user":
      return contentJson(message.role, message.text);
    case "assistant":
      return message.calls || message.carried !== undefined ? answerJson(message) : contentJson(
        message.role,
        message.text,
      );
    case "tool":
      return JSON.stringify({ role: "tool", tool_call_id: message.call.id, content: message.text });
  }
}

function contentJson(role: string, text: string): string {
  return `{"role":"${role}","content":${JSON.stringify(text)}}`;
}

/** Writes one image after the other: all in one text would be in memory three times more. */
function addImages(
  written: BodyBytes,
  from: number,
  text: string,
  images: readonly ModelImage[],
): number {
  const bytes = images.reduce((sum, { data }) => sum + Math.ceil(data.length / 3) * 4, 0);
  fit(written, written.headBytes + from + bytes);
  let separator = text === "" ? "" : `${JSON.stringify({ type: "text", text })},`;
  let end = add(written, from, '{"role":"user","content":[');
  for (const { mediaType, data: { buffer, byteOffset, byteLength } } of images) {
    const start = `{"type":"image_url","image_url":{"url":"data:${mediaType};base64,`;
    end = add(written, end, separator + start);
    end = add(written, end, Buffer.from(buffer, byteOffset, byteLength).toString("base64"));
    end = add(written, end, '"}}');
    separator = ",";
  }
  return add(written, end, "]}");
}

function answerJson(message: Extract<ModelMessage, { role: "assistant" }>): string {
  const { text, calls } = message;
  const { fields: { content: parts, ...fields }, calls: ofCalls } = carriedIn(message);
  const texts = text === "" ? [] : [{ type: "text", text }];
  return JSON.stringify({
    role: "assistant",
    content: Array.isArray(parts) ? [...parts, ...texts] : text === "" ? null : text,
    tool_calls: calls?.map((call, at) => ({
      id: call.id,
      type: "function",
      function: { name: nameOf(call), arguments: JSON.stringify(argumentsOf(call)) },
      ...ofCalls[at],
    })),
    ...fields,
  });
}

const STREAMED = { stream: true, stream_options: { include_usage: true } };

export function createChatAsk(settings: ModelSettings): Ask {
  const { provider, name, maxOutputTokens } = settings;
  const url = withQuery(`${endpointOf(provider)}/chat/completions`, provider);
  const headers = bearerHeaders(provider);
  const bodyOf = createChatBodies({ model: name, max_tokens: maxOutputTokens, ...STREAMED });
  return createStreamedAsk(settings, {
    write: (request) => ({ url, headers, body: withoutFields(bodyOf(request), request.omit) }),
    createReader: createChatAnswerReader,
  });
}

export function createChatAnswerReader(modelId: string, secrets: readonly string[]): AnswerReader {
  return createAnswerReader(modelId, secrets, openChatAnswer);
}

function openChatAnswer(answer: OpenAnswer) {
  const tools = createToolCalls();
  /** The call in the field before `tool_calls`; some servers fill both. */
  const older = createToolCalls();
  const called = () => tools.calls().length > 0 ? tools : older;
  const fields: Record<string, unknown> = {};
  let hasChunks = false;
  let hasReason = false;
  let hasRefusal = false;
  const body = createEventBody((data, type) => {
    if (answer.isOver || data.trim() === "") return;
    if (!data.startsWith("[DONE]")) return take(data, type);
    answer.isOver = true;
    if (!hasReason && hasChunks) answer.reason = "stop"; // in place of a reason
  });

  /** Takes a chunk, a whole completion or an error. */
  function take(data: string, type?: string): void {
    const read = readEventBody(data, type);
    if ("fault" in read) return answer.breakOff(read.fault);
    hasChunks = true;
    const { choices, usage: counts } = fieldsOf(read.value);
    const choice = fieldsOf(Array.isArray(choices) ? choices[0] : undefined);
    if (choice["error"]) return answer.breakOff(choice["error"]);
    answer.usage = usageOf(counts) ?? answer.usage;
    answer.reason = finishReasonIn(choice["finish_reason"]) ?? answer.reason;
    hasReason ||= typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "";
    if (choice["message"] && !hasReason) answer.reason = "stop"; // a whole object is a whole answer
    const delta = fieldsOf(choice["delta"] ?? choice["message"] ?? { content: choice["text"] });
    const { content, refusal, tool_calls: pieces } = delta;
    // The names of most servers, and of OpenRouter and Ollama.
    const thought = delta["reasoning_content"] ?? delta["reasoning"];
    if (typeof thought === "string") answer.thinking += thought;
    if (typeof content === "string") answer.text += content;
    else if (typeof content === "object" && content !== null) {
      const parts = [content].flat();
      answer.text += parts.map(textOf).join("");
      const others = parts.filter((part) => fieldsOf(part)["type"] === "thinking");
      if (others.length > 0) addUnknown(fields, { content: others }); // Mistral's thinking
    } else if (content) return answer.breakOff();
    if (typeof refusal === "string" && refusal !== "") {
      answer.text += refusal;
      hasRefusal = true;
    }
    if (typeof pieces === "object" && pieces !== null) [pieces].flat().forEach(tools.add);
    if (delta["function_call"]) older.add({ index: 0, function: delta["function_call"] });
    addUnknown(fields, delta, MESSAGE_FIELDS);
  }

  return {
    take(bytes: Uint8Array | undefined): void {
      body.read(bytes, answer.reason !== undefined); // after the reason, no more text is needed
      if (answer.reason === "stop" && hasRefusal) answer.reason = "content_filter";
    },
    calls: () => called().calls(),
    carried: () => carriedText(fields, called().unknown()),
  };
}

/** Fields of an answer that its reader knows. All others go back to the server (L1). */
const MESSAGE_FIELDS = new Set(["role", "content", "refusal", "tool_calls", "function_call"]);

function textOf(part: unknown): string {
  const { type, text } = fieldsOf(part);
  return type !== "thinking" && typeof text === "string" ? text : "";
}

function usageOf(counts: unknown): ModelUsage | undefined {
  const fields = fieldsOf(counts);
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: details } =
    fields;
  // The names of OpenAI, DeepSeek and Moonshot.
  const { prompt_cache_hit_tokens: deepSeek, cached_tokens: moonshot } = fields;
  return usageFrom(input, output, fieldsOf(details)["cached_tokens"] ?? deepSeek ?? moonshot);
}
