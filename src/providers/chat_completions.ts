/**
 * Asks OpenAI-compatible servers for chat completions.
 *
 * Does not use a library, because one for all providers costs more CPU time than the rest of a
 * turn.
 *
 * An answer is a stream of chunks, or one chat completion from servers that do not stream.
 */

import type { ModelUsage } from "../core/model.ts";
import type { Ask, AskDeps } from "./wire.ts";
import { bearerHeaders, endpointOf, type ModelSettings } from "./settings.ts";
import {
  type AnswerReader,
  createReader,
  createStreamedAsk,
  type OpenAnswer,
} from "./streamed_ask.ts";
import {
  addUnknown,
  createToolCalls,
  fieldsOf,
  finishReasonIn,
  usageFrom,
} from "./answer_parts.ts";
import { carriedText } from "./carried/carried.ts";
import { readAnswer } from "./failures.ts";
import { createChatBodies } from "./chat_body.ts";
import { withoutFields } from "./without_fields.ts";
import { createEventBody } from "./streams/event_body.ts";

const STREAMED = { stream: true, stream_options: { include_usage: true } };

export function createChatAsk(settings: ModelSettings, deps: AskDeps): Ask {
  const { provider, name, maxOutputTokens } = settings;
  const url = `${endpointOf(provider)}/chat/completions`;
  const headers = bearerHeaders(provider);
  const bodyOf = createChatBodies({ model: name, max_tokens: maxOutputTokens, ...STREAMED });
  return createStreamedAsk(settings, deps, {
    write: (request) => ({ url, headers, body: withoutFields(bodyOf(request), request.omit) }),
    createReader: createChatAnswerReader,
  });
}

export function createChatAnswerReader(modelId: string, secrets: readonly string[]): AnswerReader {
  return createReader(modelId, secrets, openChatAnswer);
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
    const read = readAnswer(data, type);
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
