/**
 * Writes requests for Amazon Bedrock's Converse API.
 *
 * @see {@link https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html}
 */

import { Buffer } from "node:buffer";
import type { ModelImage, ModelMessage, ModelRequest, ToolCall } from "../core/model.ts";
import type { ThinkLevel } from "../core/people/chosen.ts";
import { argumentsOf, nameOf } from "./answer_parts.ts";
import type { ModelSettings } from "./settings.ts";
import { blocksIn, BUDGETS, EFFORTS, takesThinking, type ThinkingBlock } from "./thinking.ts";

/** Claude, from 3.5 Haiku and 3.7 Sonnet on, and Amazon Nova. Others refuse marks for the cache. */
const CACHES =
  /\banthropic\.claude-(?!instant|v\d|3-(?:haiku|sonnet|opus|5-sonnet))|\bamazon\.nova/;
const CLAUDE = /\banthropic\.claude/;
const GPT_OSS = /\bopenai\.gpt-oss/;

/** Marks the end of a beginning that the server shall keep in its cache. */
const CACHED = { cachePoint: { type: "default" } } as const;

/** In place of `toolChoice: "none"`, which this API does not have; without tools, it refuses calls. */
const NO_CALLS = "[Answer now, in words. Call no tool.]";

/** A message of the API: its neighbours have the other role. */
interface ConverseTurn {
  readonly role: "user" | "assistant";
  readonly content: readonly object[];
}

export function converseBody(
  { system, messages, tools, mayCall = true, thinking }: ModelRequest,
  { name, maxOutputTokens }: Pick<ModelSettings, "name" | "maxOutputTokens">,
): string {
  const isClaude = CLAUDE.test(name);
  const level = isClaude && !takesThinking(messages) ? undefined : thinking;
  const thinks = isClaude && level !== undefined && level !== "off";
  const turns = turnsOf(messages.map(turnOf));
  const all = mayCall
    ? turns
    : turnsOf([...turns, { role: "user", content: [{ text: NO_CALLS }] }]);
  const caches = CACHES.test(name);
  const budget = thinks ? BUDGETS[level] : 0;
  return JSON.stringify({
    system: system === "" ? undefined : [{ text: system }, ...(caches ? [CACHED] : [])],
    toolConfig: tools && tools.length > 0
      ? {
        tools: tools.map(({ name, description, parameters }) => ({
          toolSpec: { name, description, inputSchema: { json: parameters } },
        })),
      }
      : undefined,
    messages: caches ? marked(all) : all,
    // Claude's budget is a part of the maximum.
    inferenceConfig: maxOutputTokens === undefined
      ? undefined
      : { maxTokens: maxOutputTokens + budget },
    additionalModelRequestFields: level === undefined ? undefined : effortOf(level, name),
  });
}

/** The level of thinking, for models that have one. Each vendor has a field of its own. */
function effortOf(level: ThinkLevel, name: string): object | undefined {
  if (CLAUDE.test(name)) {
    return level === "off"
      ? { thinking: { type: "disabled" } }
      : { thinking: { type: "enabled", budget_tokens: BUDGETS[level] } };
  }
  return GPT_OSS.test(name)
    ? { reasoning_effort: level === "off" ? "low" : EFFORTS[level] }
    : undefined;
}

/** Joins neighbours of one role; leaves out those without content. */
function turnsOf(turns: readonly ConverseTurn[]): readonly ConverseTurn[] {
  const all: ConverseTurn[] = [];
  for (const { role, content } of turns) {
    const last = all.at(-1);
    if (content.length === 0) continue;
    if (last?.role === role) all[all.length - 1] = { role, content: [...last.content, ...content] };
    else all.push({ role, content });
  }
  return all;
}

/** Marks the newest turn of a person's, and the one before it: later requests begin with these. */
function marked(turns: readonly ConverseTurn[]): readonly ConverseTurn[] {
  const newest = turns.findLastIndex(({ role }) => role === "user");
  const before = turns.findLastIndex(({ role }, at) => role === "user" && at < newest);
  return turns.map((turn, at) =>
    at === newest || at === before ? { ...turn, content: [...turn.content, CACHED] } : turn
  );
}

function turnOf(message: ModelMessage): ConverseTurn {
  const texts = message.text.trim() === "" ? [] : [{ text: message.text }]; // it refuses blank text
  switch (message.role) {
    case "user":
      return { role: "user", content: [...texts, ...(message.images ?? []).map(imageOf)] };
    case "assistant": {
      const { calls = [] } = message;
      const thinking = blocksIn(message).map(blockOf);
      return { role: "assistant", content: [...thinking, ...texts, ...calls.map(callOf)] };
    }
    case "tool": {
      const content = [{ text: message.text === "" ? "(nothing)" : message.text }];
      return {
        role: "user",
        content: [{ toolResult: { toolUseId: message.call.id, content } }],
      };
    }
  }
}

function imageOf({ mediaType, data: { buffer, byteOffset, byteLength } }: ModelImage): object {
  const bytes = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
  return { image: { format: mediaType.replace("image/", ""), source: { bytes } } };
}

function blockOf(block: ThinkingBlock): object {
  return {
    reasoningContent: "redacted" in block
      ? { redactedContent: block.redacted }
      : { reasoningText: { text: block.text, signature: block.signature } },
  };
}

function callOf(call: ToolCall): object {
  return { toolUse: { toolUseId: call.id, name: nameOf(call), input: argumentsOf(call) } };
}
