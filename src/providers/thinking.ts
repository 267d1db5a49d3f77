/** Writes levels of thinking for each wire format, and thinking that servers want back. */

import type { ModelMessage, ModelRequest } from "../core/model.ts";
import type { ThinkLevel } from "../core/config_file.ts";
import { type CarriedFields, carriedIn } from "./answer_parts.ts";

/** The same request without a level of thinking. */
export function withoutThinking(request: ModelRequest): ModelRequest {
  const { thinking, ...others } = request;
  return thinking === undefined ? request : others;
}

/** OpenAI's `reasoning_effort`. */
export const EFFORTS: Readonly<Record<ThinkLevel, string>> = {
  off: "none",
  minimal: "minimal",
  low: "low",
  medium: "medium",
  high: "high",
};

/** Tokens for thinking. Anthropic takes 1024 and more. */
const BUDGETS: Readonly<Record<ThinkLevel, number>> = {
  off: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
};

/** Anthropic's `thinking`, which the SDK adds to the maximum of tokens. */
export function anthropicThinking(
  level: ThinkLevel,
): { readonly type: "disabled" } | { readonly type: "enabled"; readonly budgetTokens: number } {
  return level === "off" ? { type: "disabled" } : { type: "enabled", budgetTokens: BUDGETS[level] };
}

/** Google's `thinkingConfig`: a budget, or from Gemini 3 on a level. */
export function googleThinking(
  { thinking, showsThinking }: Pick<ModelRequest, "thinking" | "showsThinking">,
  modelName: string,
): {
  /** Tokens for thinking. */
  readonly thinkingBudget?: number;
  /** The level, in place of the budget. */
  readonly thinkingLevel?: Exclude<ThinkLevel, "off">;
  /** Whether the answer has the thinking. */
  readonly includeThoughts?: boolean;
} {
  const major = Number(/gemini-(\d+)/.exec(modelName)?.[1] ?? 0);
  return {
    ...(thinking !== undefined &&
      (major >= 3
        ? { thinkingLevel: thinking === "off" ? "minimal" : thinking }
        : { thinkingBudget: BUDGETS[thinking] })),
    ...(showsThinking && { includeThoughts: true }),
  };
}

/** A block of Anthropic's thinking. Some servers with this API do not sign it. */
export type ThinkingBlock =
  | { readonly text: string; readonly signature?: string }
  | { readonly redacted: string };

/** Name of the carried field that has such blocks, as refusals call them. */
const BLOCKS = "thinking";

export function fieldsOfBlocks(blocks: readonly ThinkingBlock[]): CarriedFields {
  return blocks.length === 0 ? {} : { [BLOCKS]: blocks };
}

/** The blocks that a message carries; empty if it has none. */
export function blocksIn(message: ModelMessage): readonly ThinkingBlock[] {
  const blocks = carriedIn(message).fields[BLOCKS]; // of this kind of server alone
  return Array.isArray(blocks) ? blocks : [];
}

/**
 * Whether Anthropic takes thinking for a conversation. It refuses it after calls that were made
 * without thinking, until the next message of a person.
 */
export function takesThinking(messages: readonly ModelMessage[]): boolean {
  const last = messages.findLast(({ role }) => role !== "tool");
  return last?.role !== "assistant" || !last.calls || blocksIn(last).length > 0;
}
