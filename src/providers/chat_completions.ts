/**
 * Asks OpenAI-compatible servers for chat completions.
 *
 * Does not use a library, because one for all providers costs more CPU time than the rest of a
 * turn.
 *
 * An answer is a stream of chunks, or one chat completion from servers that do not stream.
 */

import type { FinishReason, ModelError, ModelUsage } from "../core/model.ts";
import type { Ask, AskDeps } from "./wire.ts";
import { bearerHeaders, endpointOf, type ModelSettings } from "./settings.ts";
import { type AnswerReader, createStreamedAsk } from "./streamed_ask.ts";
import { createToolCalls, createVisibleText, endingFault, fieldsOf } from "./answer_parts.ts";
import { createChatBodies } from "./chat_body.ts";
import { withoutFields } from "./without_fields.ts";
import { createEventBody } from "./streams/event_body.ts";
import { brokenAnswerOf } from "./failures.ts";

const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** Creates the `Ask` of one model. */
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

/** Creates the reader of one answer. */
export function createChatAnswerReader(
  modelId: string,
  secrets: readonly string[],
): AnswerReader {
  const visible = createVisibleText();
  const tools = createToolCalls();
  const body = createEventBody((data, type) => {
    if (isOver || data.trim() === "") return;
    if (data.startsWith("[DONE]")) isOver = true;
    else take(data, type === "error");
  });
  let text = "";
  let thinking = "";
  let reason: FinishReason | undefined;
  let hasRefusal = false;
  let usage: ModelUsage | undefined;
  let failure: ModelError | undefined;
  let isOver = false;

  function breakOff(error?: unknown): void {
    failure = brokenAnswerOf(error, modelId, secrets);
    isOver = true;
  }

  /** Takes a chunk, a whole completion or an error. */
  function take(json: string, isError: boolean): void {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      return breakOff(isError ? json : undefined);
    }
    const { error, choices, usage: counts, message: errorMessage } = fieldsOf(value);
    if (isError || error) return breakOff(error ?? value);
    if (!Array.isArray(choices) && typeof errorMessage === "string") return breakOff(value);
    if (typeof value !== "object") return breakOff();
    usage = usageOf(counts) ?? usage;
    const choice = fieldsOf(Array.isArray(choices) ? choices[0] : undefined);
    reason = reasonOf(choice["finish_reason"]) ?? reason;
    const delta = fieldsOf(choice["delta"] ?? choice["message"]);
    const { content, refusal, tool_calls: pieces } = delta;
    // The names of most servers, and of OpenRouter and Ollama.
    const thought = delta["reasoning_content"] ?? delta["reasoning"];
    if (typeof thought === "string") thinking += thought;
    if (typeof content === "string") text += content;
    else if (Array.isArray(content)) text += content.map(textOf).join("");
    else if (content) return breakOff();
    if (typeof refusal === "string" && refusal !== "") {
      text += refusal;
      hasRefusal = true;
    }
    if (Array.isArray(pieces)) pieces.forEach(tools.add);
  }

  return {
    read(bytes) {
      text = "";
      thinking = "";
      body.read(bytes, reason !== undefined); // after the reason, no more text is needed
      if (!bytes) isOver = true;
      return visible.add(text);
    },
    thinking: () => thinking,
    hasEnded: () => reason !== undefined,
    isOver: () => isOver,
    finish() {
      if (reason === "stop" && hasRefusal) reason = "content_filter";
      const calls = tools.calls();
      // Some servers end with "stop" after calls.
      if (reason === "stop" && calls.length > 0) reason = "tool_calls";
      const fault = failure ??
        endingFault(reason, visible.isEmpty() && calls.length === 0, modelId);
      if (fault || !reason) throw fault;
      // Calls of an answer that was cut are incomplete.
      const isWhole = reason === "tool_calls" && calls.length > 0;
      return { kind: "finish", reason, calls: isWhole ? calls : undefined, usage };
    },
  };
}

function textOf(part: unknown): string {
  const { type, text } = fieldsOf(part);
  return type === "text" && typeof text === "string" ? text : "";
}

function usageOf(counts: unknown): ModelUsage | undefined {
  const {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    prompt_tokens_details: details,
    prompt_cache_hit_tokens: deepSeek,
    cached_tokens: moonshot,
  } = fieldsOf(counts);
  if (typeof inputTokens !== "number" || typeof outputTokens !== "number") return undefined;
  const cachedTokens = [fieldsOf(details)["cached_tokens"], deepSeek, moonshot]
    .find((count) => typeof count === "number");
  return { inputTokens, outputTokens, cachedTokens };
}

/** The words of Anthropic, Google and Mistral for an answer that reached its maximum length. */
const CUT = /^(?:max_(?:output_)?tokens|model_length|model_context_window_exceeded)$/i;

/**
 * @returns `undefined` also for "error", which gateways send if the server behind them broke off.
 */
function reasonOf(raw: unknown): FinishReason | undefined {
  if (typeof raw !== "string" || raw === "" || raw === "error") return undefined;
  if (raw === "stop" || raw === "length" || raw === "content_filter") return raw;
  if (CUT.test(raw)) return "length"; // gateways pass on the words of other vendors
  return raw === "tool_calls" || raw === "function_call" ? "tool_calls" : "other";
}
