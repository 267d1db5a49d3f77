/**
 * Writes a request in the form of the AI SDK's providers.
 *
 * For Anthropic, it marks what the server shall keep in its cache: the system prompt with the
 * tools, and the conversation up to the newest message. Google's servers find equal beginnings
 * themselves.
 */

import type { createAnthropic } from "@ai-sdk/anthropic";
import type { ModelMessage, ModelRequest, ToolCall, ToolDefinition } from "../core/model.ts";
import type { ModelSettings } from "./settings.ts";
import {
  anthropicThinking,
  blocksIn,
  googleThinking,
  takesThinking,
  type ThinkingBlock,
} from "./thinking.ts";
import { argumentsOf, nameOf } from "./answer_parts.ts";
import { type CarriedFields, carriedIn } from "./carried/carried.ts";

export type SdkModel = Pick<ReturnType<ReturnType<typeof createAnthropic>>, "doStream">;
type SdkOptions = Parameters<SdkModel["doStream"]>[0];
type SdkMessage = SdkOptions["prompt"][number];
/** Marks the end of a beginning that Anthropic shall cache. */
const CACHED = { anthropic: { cacheControl: { type: "ephemeral" } } } as const;

export function sdkRequestOf(
  { system, messages, tools, mayCall = true, thinking, showsThinking }: ModelRequest,
  settings: ModelSettings,
): Pick<SdkOptions, "prompt" | "tools" | "toolChoice" | "providerOptions"> {
  const isAnthropic = settings.provider.kind === "anthropic";
  const level = isAnthropic && !takesThinking(messages) ? undefined : thinking;
  const conversation = grouped(messages.map(messageOf));
  const google = googleThinking({ thinking, showsThinking: showsThinking === true }, settings.name);
  return {
    prompt: [
      ...(system === "" ? [] : [{
        role: "system" as const,
        content: system,
        providerOptions: isAnthropic ? CACHED : undefined,
      }]),
      ...(isAnthropic ? withBreakpoints(conversation) : conversation),
    ],
    ...(tools && { tools: tools.map(toolOf) }),
    ...(isAnthropic && level !== undefined &&
      { providerOptions: { anthropic: { thinking: anthropicThinking(level) } } }),
    ...(!isAnthropic && Object.keys(google).length > 0 &&
      { providerOptions: { google: { thinkingConfig: google } } }),
    ...(!mayCall && { toolChoice: { type: "none" as const } }),
  };
}

/**
 * Marks up to three messages. Anthropic takes four marks, and the system prompt has one.
 *
 * - The newest message, and the newest of a person: later requests begin with these.
 * - The newest message of the request before. Anthropic looks back over 20 blocks only, and a step may
 *   have more. In a turn's first request, this is the earlier message of a person, because results
 *   after it may be shorter now.
 */
function withBreakpoints(messages: readonly SdkMessage[]): readonly SdkMessage[] {
  const newest = messages.length - 1;
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  const before = asked === newest
    ? messages.findLastIndex(({ role }, at) => role === "user" && at < answered)
    : answered - 1;
  return messages.map((message, at) =>
    at === newest || at === asked || at === before
      ? { ...message, providerOptions: CACHED }
      : message
  );
}

/** Puts results of calls of one answer into one message, as Google wants them. */
function grouped(messages: readonly SdkMessage[]): readonly SdkMessage[] {
  const all: SdkMessage[] = [];
  for (const message of messages) {
    const last = all.at(-1);
    if (message.role === "tool" && last?.role === "tool") {
      all[all.length - 1] = { ...last, content: [...last.content, ...message.content] };
    } else if (message.content.length > 0) {
      all.push(message); // an answer without text and calls is none
    }
  }
  return all;
}

function messageOf(message: ModelMessage): SdkMessage {
  const { fields, calls: ofCalls } = carriedIn(message);
  const google = googleOptions(fields);
  const texts = message.text === ""
    ? []
    : [{ type: "text" as const, text: message.text, ...google }];
  switch (message.role) {
    case "user": {
      const images = (message.images ?? []).map(({ mediaType, data }) => ({
        type: "file" as const,
        mediaType,
        data: { type: "data" as const, data },
      }));
      return { role: "user", content: [...texts, ...images] };
    }
    case "assistant": {
      const { calls = [] } = message;
      const parts = calls.map((call, at) => ({ ...callOf(call), ...googleOptions(ofCalls[at]) }));
      return {
        role: "assistant",
        content: [...blocksIn(message).map(blockOf), ...texts, ...parts],
      };
    }
    case "tool": {
      const output = { type: "text" as const, value: message.text };
      const { id: toolCallId } = message.call;
      const toolName = nameOf(message.call);
      return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
    }
  }
}

/** The SDK drops a block without a signature, so it gets one that the request's body loses again. */
const NONE = "barnacle:unsigned";
/** Such a signature in a body. A text has no quote without a backslash before it. */
export const UNSIGNED = `,"signature":"${NONE}"`;

function blockOf(block: ThinkingBlock) {
  const [text, anthropic] = "redacted" in block
    ? ["", { redactedData: block.redacted }] as const
    : [block.text, { signature: block.signature ?? NONE }] as const;
  return { type: "reasoning" as const, text, providerOptions: { anthropic } };
}

function callOf(call: ToolCall) {
  const { id: toolCallId } = call;
  const toolName = nameOf(call);
  return { type: "tool-call" as const, toolCallId, toolName, input: argumentsOf(call) };
}

/** Google's signature of a part, if it carries one. */
function googleOptions({ thoughtSignature }: CarriedFields = {}) {
  return typeof thoughtSignature === "string"
    ? { providerOptions: { google: { thoughtSignature } } }
    : {};
}

function toolOf(
  { name, description, parameters: inputSchema }: ToolDefinition,
): NonNullable<SdkOptions["tools"]>[number] {
  return { type: "function", name, description, inputSchema };
}
