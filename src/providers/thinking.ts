/** Writes levels of thinking for each wire format, and thinking that servers want back. */

import { z } from "zod";
import type { ModelMessage, ModelRequest, ToolCall } from "../core/model.ts";
import type { ThinkLevel } from "../core/people/chosen.ts";

/** The same request without a level of thinking. */
export function withoutThinking({ thinking: _, ...request }: ModelRequest): ModelRequest {
  return request;
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
export const BUDGETS: Readonly<Record<ThinkLevel, number>> = {
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

/** Google's `thinkingConfig`. An alias, because the SDK's type of JSON takes no interface. */
export type GoogleThinking = {
  /** Tokens for thinking. */
  readonly thinkingBudget?: number;
  /** The level, in place of the budget. */
  readonly thinkingLevel?: Exclude<ThinkLevel, "off">;
  /** Whether the answer has the thinking. */
  readonly includeThoughts?: boolean;
};

/** Google's `thinkingConfig`: a budget, or from Gemini 3 on a level. */
export function googleThinking(
  { thinking, showsThinking }: Pick<ModelRequest, "thinking" | "showsThinking">,
  modelName: string,
): GoogleThinking {
  const major = Number(/gemini-(\d+)/.exec(modelName)?.[1] ?? 0);
  return {
    ...(thinking !== undefined &&
      (major >= 3
        ? { thinkingLevel: thinking === "off" ? "minimal" : thinking }
        : { thinkingBudget: BUDGETS[thinking] })),
    ...(showsThinking && { includeThoughts: true }),
  };
}

/** A block of Anthropic's thinking, with the signature that proves it. */
export type ThinkingBlock =
  | { readonly text: string; readonly signature: string }
  | { readonly redacted: string };

const blocksSchema = z.lazy(() =>
  z.array(z.union([
    z.strictObject({ text: z.string(), signature: z.string() }),
    z.strictObject({ redacted: z.string() }),
  ]))
);

/** Tells such a text from a signature of Google's, and from reasoning of OpenAI's. */
const MARK = "anthropic:";
const REASONING_MARK = "openai:";

/** Thinking before calls, as the first of them keeps it. */
export function keptThinking(blocks: readonly ThinkingBlock[]): string | undefined {
  return blocks.length === 0 ? undefined : `${MARK}${JSON.stringify(blocks)}`;
}

/** The thinking that a call keeps; empty if it has none. */
export function thinkingOf({ signature = "" }: ToolCall): readonly ThinkingBlock[] {
  return keptIn(signature, MARK, blocksSchema) ?? [];
}

/** A step of OpenAI's reasoning: only its server can read it. */
export interface KeptReasoning {
  readonly id: string;
  readonly encrypted: string;
}

const reasoningSchema = z.lazy(() =>
  z.array(z.strictObject({ id: z.string(), encrypted: z.string() }))
);

/** Reasoning before calls, as the first of them keeps it. */
export function keptReasoning(steps: readonly KeptReasoning[]): string | undefined {
  return steps.length === 0 ? undefined : `${REASONING_MARK}${JSON.stringify(steps)}`;
}

/** The reasoning that a call keeps; empty if it has none. */
export function reasoningOf({ signature = "" }: ToolCall): readonly KeptReasoning[] {
  return keptIn(signature, REASONING_MARK, reasoningSchema) ?? [];
}

function keptIn<Kept>(signature: string, mark: string, schema: z.ZodType<Kept>): Kept | undefined {
  if (!signature.startsWith(mark)) return undefined;
  try {
    return schema.parse(JSON.parse(signature.slice(mark.length)));
  } catch {
    return undefined; // of another version
  }
}

/** Google's signature of a call. */
export function googleSignature({ signature }: ToolCall): string | undefined {
  return signature?.startsWith(MARK) || signature?.startsWith(REASONING_MARK)
    ? undefined
    : signature;
}

/**
 * Whether Anthropic takes thinking for a conversation. It refuses it after calls that were made
 * without thinking, until the next message of a person.
 */
export function takesThinking(messages: readonly ModelMessage[]): boolean {
  const last = messages.findLast(({ role }) => role !== "tool");
  return last?.role !== "assistant" || !last.calls ||
    last.calls.some((call) => thinkingOf(call).length > 0);
}
