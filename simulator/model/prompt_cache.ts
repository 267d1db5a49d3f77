/**
 * Counts the tokens of prompts, and those that a provider's cache would have.
 *
 * OpenAI's and Google's servers find the longest beginning that is equal to that of an earlier prompt.
 * Anthropic's servers keep only beginnings that a request marks with `cache_control`. From each mark
 * they look back over 20 blocks for a kept one.
 *
 * @see {@link https://platform.openai.com/docs/guides/prompt-caching}
 * @see {@link https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching}
 * @see {@link https://ai.google.dev/gemini-api/docs/caching}
 */

import { jsonOf } from "./wire.ts";

export interface PromptTokens {
  /** All of them, cached ones included. */
  readonly input: number;
  readonly cached: number;
}

/** Counts one prompt after the other. */
export interface PromptCache {
  /** @param body JSON of the request. */
  count(body: string): PromptTokens;
}

/** Wire format of the requests. */
export type CacheKind = "openai" | "anthropic" | "google";

/** A shorter beginning is never cached. */
const LEAST_TOKENS = 1_024;
/** OpenAI counts cached tokens in steps. */
const STEP_TOKENS = 128;
/** Blocks that Anthropic looks back from a mark, and the maximum number of marks. */
const LOOK_BACK = 20;
const MARKS_MAX = 4;

/** A part of a prompt, in the order in which a server reads it. */
interface Block {
  readonly text: string;
  readonly isMarked: boolean;
}

export function createPromptCache(kind: CacheKind): PromptCache {
  const earlier: string[] = [];
  const kept = new Set<string>();

  function countMarked(blocks: readonly Block[], total: number): PromptTokens {
    const marks = blocks.flatMap(({ isMarked }, at) => isMarked ? [at] : []);
    if (marks.length > MARKS_MAX) {
      throw new Error(`${marks.length} marks: ${MARKS_MAX} are allowed`);
    }
    const beginning = (at: number) => blocks.slice(0, at + 1).map(({ text }) => text).join("\n");
    const found = marks.flatMap((mark) =>
      Array.from({ length: LOOK_BACK }, (_, back) => mark - back)
        .filter((at) => at >= 0 && kept.has(beginning(at)))
        .map((at) => tokensOf(beginning(at)))
    );
    for (const mark of marks) {
      if (tokensOf(beginning(mark)) >= LEAST_TOKENS) kept.add(beginning(mark));
    }
    return { input: total, cached: Math.max(0, ...found) };
  }

  function countEqual(text: string, total: number): PromptTokens {
    const longest = Math.max(0, ...earlier.map((one) => equalBeginning(one, text)));
    earlier.push(text);
    const tokens = Math.floor(longest / 4 / STEP_TOKENS) * STEP_TOKENS;
    return { input: total, cached: tokens >= LEAST_TOKENS ? tokens : 0 };
  }

  return {
    count(body) {
      const blocks = blocksOf(kind, Object(jsonOf(body)));
      const text = blocks.map((block) => block.text).join("\n");
      const total = tokensOf(text);
      return kind === "anthropic" ? countMarked(blocks, total) : countEqual(text, total);
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function blocksOf(kind: CacheKind, body: Fields): readonly Block[] {
  switch (kind) {
    case "openai":
      return [...listOf(body["tools"]), ...listOf(body["messages"])].map(blockOf);
    case "google":
      return [body["systemInstruction"], ...listOf(body["tools"]), ...listOf(body["contents"])]
        .map(blockOf);
    case "anthropic":
      return [
        ...listOf(body["tools"]).map(blockOf),
        ...contentOf(body["system"]).map(blockOf),
        // Another choice of tools makes another prompt from here on.
        { text: JSON.stringify(body["tool_choice"] ?? null), isMarked: false },
        ...listOf(body["messages"]).flatMap((message) => {
          const { role, content } = Object(message);
          return contentOf(content).map((part) => blockOf({ role, ...Object(part) }));
        }),
      ];
  }
}

function blockOf(part: unknown): Block {
  const { cache_control: mark, ...rest } = Object(part);
  return { text: JSON.stringify(rest), isMarked: mark !== undefined };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function contentOf(content: unknown): readonly unknown[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : listOf(content);
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

function equalBeginning(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}
