/**
 * Asks servers with OpenAI's Responses API.
 *
 * The server keeps nothing (`store: false`): the session is Barnacle's, and may go on at another
 * model. So reasoning comes back encrypted, and goes with the calls that it led to.
 *
 * An answer is a stream of events, or one object from servers that do not stream. The events are few,
 * so they are read here: the AI SDK's package would add 300 kB of minified code.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses-streaming}
 */

import { Buffer } from "node:buffer";
import type {
  ModelImage,
  ModelMessage,
  ModelRequest,
  ModelUsage,
  ToolCall,
} from "../core/model.ts";
import {
  addUnknown,
  argumentsOf,
  type CarriedFields,
  carriedIn,
  carriedText,
  fieldsOf,
  nameOf,
  usageFrom,
} from "./answer_parts.ts";
import { createEventBody, WHOLE } from "./event_body.ts";
import { withoutFields } from "./wire.ts";
import { readEventBody } from "./failures.ts";
import { bearerHeaders, endpointOf, hashOf, type ModelSettings, withQuery } from "./settings.ts";
import {
  type AnswerReader,
  createAnswerReader,
  createStreamedAsk,
  type OpenAnswer,
} from "./streamed_ask.ts";
import { EFFORTS } from "./thinking.ts";
import type { Ask } from "./wire.ts";

export function createResponsesAsk(settings: ModelSettings): Ask {
  const { provider } = settings;
  const url = withQuery(`${endpointOf(provider)}/responses`, provider);
  const headers = bearerHeaders(provider);
  return createStreamedAsk(settings, {
    write: (request) => ({
      url,
      headers,
      body: withoutFields(responsesBody(request, settings), request.omit),
    }),
    createReader: createResponsesReader,
  });
}

/** Models that reason. Others refuse a request for encrypted reasoning. */
const REASONS = /^(?:o\d|gpt-(?:[5-9]|oss)(?!.*chat)|codex)/i;

/** OpenAI's own servers find a session's cache by a key of ours; others may refuse the field. */
const OPENAI_HOST = /(?:^|\.)openai\.(?:azure\.)?com$/;

export function responsesBody(
  { system, messages, tools, mayCall = true, thinking, showsThinking, sessionKey }: ModelRequest,
  { provider: { baseUrl }, name, maxOutputTokens }: ModelSettings,
): string {
  const isOpenai = URL.canParse(baseUrl) && OPENAI_HOST.test(new URL(baseUrl).hostname);
  const reasons = REASONS.test(name.slice(name.lastIndexOf("/") + 1));
  const reasoning = {
    effort: thinking === undefined ? undefined : EFFORTS[thinking],
    summary: showsThinking && reasons ? "auto" : undefined,
  };
  return JSON.stringify({
    model: name,
    stream: true,
    store: false,
    max_output_tokens: maxOutputTokens,
    include: reasons ? ["reasoning.encrypted_content"] : undefined,
    prompt_cache_key: isOpenai && sessionKey !== undefined ? hashOf(sessionKey) : undefined,
    instructions: system === "" ? undefined : system,
    tools: tools && tools.length > 0
      ? tools.map((tool) => ({ type: "function", ...tool, strict: false }))
      : undefined,
    input: messages.flatMap(itemsOf),
    // Last, so that they change no byte before.
    reasoning: reasoning.effort ?? reasoning.summary ? reasoning : undefined,
    tool_choice: tools && tools.length > 0 && !mayCall ? "none" : undefined,
  });
}

/** The items of a message. One without text and calls has none. */
function itemsOf(message: ModelMessage): readonly object[] {
  switch (message.role) {
    case "user":
      return [{
        type: "message",
        role: "user",
        content: contentOf(message.text, message.images ?? []),
      }];
    case "assistant": {
      const { text, calls = [] } = message;
      const { fields: { reasoning, ...others }, calls: ofCalls } = carriedIn(message);
      return [
        ...(Array.isArray(reasoning) ? reasoning : []),
        ...(text === "" ? [] : [{
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text, annotations: [] }],
          ...others,
        }]),
        ...calls.map((call, at) => ({ ...callOf(call), ...ofCalls[at] })),
      ];
    }
    case "tool":
      return [{ type: "function_call_output", call_id: message.call.id, output: message.text }];
  }
}

function contentOf(text: string, images: readonly ModelImage[]): readonly object[] {
  return [
    ...(text === "" && images.length > 0 ? [] : [{ type: "input_text", text }]),
    ...images.map(({ mediaType, data: { buffer, byteOffset, byteLength } }) => {
      const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
      return { type: "input_image", image_url: `data:${mediaType};base64,${base64}` };
    }),
  ];
}

function callOf(call: ToolCall): object {
  return {
    type: "function_call",
    call_id: call.id,
    name: nameOf(call),
    arguments: JSON.stringify(argumentsOf(call)),
  };
}

export function createResponsesReader(modelId: string, secrets: readonly string[]): AnswerReader {
  return createAnswerReader(modelId, secrets, openResponse);
}

function openResponse(answer: OpenAnswer) {
  const calls: ToolCall[] = [];
  const callFields: CarriedFields[] = [];
  const reasoning: CarriedFields[] = [];
  const fields: Record<string, unknown> = {};
  let hasText = false;
  let hasRefusal = false;
  const body = createEventBody((data, type) => {
    if (answer.isOver || data.trim() === "") return;
    if (!data.startsWith("[DONE]")) return take(data, type);
    if (hasText || calls.length > 0) answer.reason ??= "stop"; // there may be no other end
    answer.isOver = true;
  });

  function say(piece: unknown): void {
    if (typeof piece !== "string" || piece === "") return;
    answer.text += piece;
    hasText = true;
  }

  /** Takes an event, a whole response or an error. */
  function take(data: string, event?: string): void {
    const read = readEventBody(data, event);
    if ("fault" in read) return answer.breakOff(read.fault);
    const fields = fieldsOf(read.value);
    const { type = event, delta, item, response } = fields;
    switch (type) {
      case "response.output_text.delta":
        return say(delta);
      case "response.refusal.delta":
        hasRefusal = true;
        return say(delta);
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        if (typeof delta === "string") answer.thinking += delta;
        return;
      case "response.output_item.done":
        return takeItem(item, false);
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        return end(response);
      case WHOLE:
        return Array.isArray(fields["output"]) ? end(fields) : answer.breakOff();
    }
  }

  /** @param isWhole Whether the text of a message has not come in pieces. */
  function takeItem(item: unknown, isWhole: boolean): void {
    const { type, call_id, name, arguments: written, encrypted_content, content } = fieldsOf(item);
    if (type === "function_call" && typeof name === "string") {
      calls.push({
        id: typeof call_id === "string" ? call_id : "",
        name,
        arguments: typeof written === "string" ? written : JSON.stringify(written ?? {}),
      });
      const more = {};
      addUnknown(more, item, ITEM_FIELDS);
      callFields.push(more);
    } else if (type === "reasoning") {
      // Without its contents, it is only an id, and the server has stored nothing under that.
      const isBare = !Array.isArray(content) || content.length === 0;
      if (typeof encrypted_content !== "string" && isBare) return;
      const step = { summary: [] };
      addUnknown(step, item, STATUS);
      reasoning.push(step);
    } else if (type === "message") {
      addUnknown(fields, item, ITEM_FIELDS);
      if (!isWhole || !Array.isArray(content)) return;
      for (const part of content.map(fieldsOf)) {
        hasRefusal ||= typeof part["refusal"] === "string";
        say(part["text"] ?? part["refusal"]);
      }
    }
  }

  function end(response: unknown): void {
    const { status, error, output, incomplete_details: why, usage: counts } = fieldsOf(response);
    if (error) return answer.breakOff(error);
    // Some servers only tell the items here.
    if (Array.isArray(output) && calls.length === 0 && !hasText) {
      for (const item of output) takeItem(item, true);
    }
    answer.usage = usageOf(counts);
    answer.reason = status === "incomplete"
      ? fieldsOf(why)["reason"] === "content_filter" ? "content_filter" : "length"
      : status === "completed"
      ? hasRefusal ? "content_filter" : "stop"
      : undefined;
    answer.isOver = true;
  }

  return {
    take: (bytes: Uint8Array | undefined) => void body.read(bytes, false),
    calls: () => calls,
    carried: () =>
      carriedText(reasoning.length > 0 ? { ...fields, reasoning } : fields, callFields),
  };
}

/** Fields of calls and messages that their reader knows, or that servers refuse in a request. */
const ITEM_FIELDS = new Set([
  "type",
  "id",
  "status",
  "role",
  "content",
  "call_id",
  "name",
  "arguments",
]);
const STATUS = new Set(["status"]);

function usageOf(counts: unknown): ModelUsage | undefined {
  const { input_tokens: input, output_tokens: output, input_tokens_details: details } = fieldsOf(
    counts,
  );
  return usageFrom(input, output, fieldsOf(details)["cached_tokens"]);
}
