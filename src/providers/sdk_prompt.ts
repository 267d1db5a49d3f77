/**
 * Writes a request in the form of the AI SDK's providers.
 *
 * For Anthropic, it marks what the server shall keep in its cache: the system prompt with the
 * tools, and the conversation up to the newest message. Google's servers find equal beginnings
 * themselves.
 */

import type { createAnthropic } from "@ai-sdk/anthropic";
import type { ModelMessage, ModelRequest, ToolCall, ToolDefinition } from "../core/model.ts";
import { idFormOf, withIdsOf } from "./call_ids.ts";
import type { ModelSettings } from "./settings.ts";
import {
  anthropicThinking,
  googleSignature,
  googleThinking,
  takesThinking,
  type ThinkingBlock,
  thinkingOf,
} from "./thinking.ts";
import { argumentsOf, nameOf } from "./answer_parts.ts";

/** The part of a provider's model that all providers have. */
export type SdkModel = Pick<ReturnType<ReturnType<typeof createAnthropic>>, "doStream">;
/** The options of one request. */
export type SdkOptions = Parameters<SdkModel["doStream"]>[0];
type SdkMessage = SdkOptions["prompt"][number];
type SdkTool = NonNullable<SdkOptions["tools"]>[number];

/** Marks the end of a beginning that Anthropic shall cache. */
const CACHED = { anthropic: { cacheControl: { type: "ephemeral" } } } as const;

/** The request in the SDK's form. */
export function sdkRequestOf(
  { system, messages, tools, mayCall = true, thinking, showsThinking }: ModelRequest,
  settings: ModelSettings,
): Pick<SdkOptions, "prompt" | "tools" | "toolChoice" | "providerOptions"> {
  const form = idFormOf(settings);
  const isAnthropic = settings.provider.kind === "anthropic";
  const level = isAnthropic && !takesThinking(messages) ? undefined : thinking;
  const turn = messages.findLastIndex(({ role }) => role === "user");
  const conversation = grouped(
    (form ? withIdsOf(form, messages) : messages).map((message, at) =>
      messageOf(message, isAnthropic && at > turn && level !== undefined && level !== "off")
    ),
  );
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

/** @param hasThinking Whether answers have the thinking before their calls. */
function messageOf(message: ModelMessage, hasThinking: boolean): SdkMessage {
  const texts = message.text === "" ? [] : [{ type: "text" as const, text: message.text }];
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
      const thinking = hasThinking ? calls.flatMap(thinkingOf).map(blockOf) : [];
      return { role: "assistant", content: [...thinking, ...texts, ...calls.map(callOf)] };
    }
    case "tool": {
      const output = { type: "text" as const, value: message.text };
      const { id: toolCallId } = message.call;
      const toolName = nameOf(message.call);
      return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
    }
  }
}

function blockOf(block: ThinkingBlock) {
  return "redacted" in block
    ? {
      type: "reasoning" as const,
      text: "",
      providerOptions: { anthropic: { redactedData: block.redacted } },
    }
    : {
      type: "reasoning" as const,
      text: block.text,
      providerOptions: { anthropic: { signature: block.signature } },
    };
}

function callOf(call: ToolCall) {
  const { id: toolCallId } = call;
  const signature = googleSignature(call);
  return {
    type: "tool-call" as const,
    toolCallId,
    toolName: nameOf(call),
    input: argumentsOf(call),
    providerOptions: signature !== undefined
      ? { google: { thoughtSignature: signature } }
      : undefined,
  };
}

function toolOf({ name, description, parameters: inputSchema }: ToolDefinition): SdkTool {
  return { type: "function", name, description, inputSchema };
}
