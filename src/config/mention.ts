/**
 * Tests whether a text mentions the bot by name or by one of the operator's patterns (M2).
 *
 * Every user may write the text, so patterns must run in linear time: RE2 runs them. The agent's
 * name makes a literal pattern, which the runtime's own expressions can run.
 *
 * @module
 */

import type { Settings } from "./schema/root.ts";
import type { Segment } from "./text/tree.ts";

/** A test of texts, and the patterns that are not valid. */
export interface Mentions {
  /** Whether a text mentions the bot. */
  readonly matches: (text: string) => boolean;
  /** The patterns that are not valid. */
  readonly problems: readonly PatternProblem[];
}

/** A pattern that is not valid. */
export interface PatternProblem {
  /** Config path of the pattern. */
  readonly path: readonly Segment[];
  /** The fault, for the operator. */
  readonly message: string;
  /** How to fix it. */
  readonly hint: string;
}

/** Invisible characters, which must neither hide a name nor split it. */
const ZERO_WIDTH = /[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]/g;

/** Prefers the patterns of the first agent, then those for all agents, then the agent's name. */
export async function mentionsOf({ agents, messages }: Settings): Promise<Mentions> {
  const [agent] = agents.list;
  const own = agent?.groupChat.mentionPatterns;
  if (own) return await compiled(own, ["agents", "list", 0, "groupChat", "mentionPatterns"]);
  const shared = messages.groupChat.mentionPatterns;
  if (shared) return await compiled(shared, ["messages", "groupChat", "mentionPatterns"]);
  return { matches: byName(agent?.name), problems: [] };
}

async function compiled(
  patterns: readonly string[],
  path: readonly Segment[],
): Promise<Mentions> {
  if (patterns.length === 0) return { matches: () => false, problems: [] };

  const { RE2JS } = await import("re2js"); // 150 kB, so only loaded for patterns
  const tests: ((text: string) => boolean)[] = [];
  const problems: PatternProblem[] = [];
  for (const [index, pattern] of patterns.entries()) {
    try {
      const program = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
      if (program.matcher("").find()) {
        problems.push({
          path: [...path, index],
          message: "The pattern matches an empty text, and so every message",
          hint: 'set "requireMention": false in a guild to answer every message',
        });
        continue;
      }
      tests.push((text) => program.matcher(text).find());
    } catch (cause) {
      problems.push({
        path: [...path, index],
        message: `The pattern is not valid: ${
          cause instanceof Error ? cause.message : "unreadable"
        }`,
        hint: "patterns use RE2, which has no (?=…), (?<=…) or \\1",
      });
    }
  }
  return {
    matches: (text) => {
      const plain = normalized(text);
      return tests.some((test) => test(plain));
    },
    problems,
  };
}

/** Matches `@?name` as whole words; no text if the agent has no name. */
function byName(name: string | undefined): (text: string) => boolean {
  const words = normalized(name ?? "").trim().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return () => false;
  const literal = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("\\s+");
  const pattern = new RegExp(
    `(?:^|[^\\p{L}\\p{N}_])@?${literal}(?![\\p{L}\\p{N}_])`,
    "u",
  );
  return (text) => pattern.test(normalized(text));
}

function normalized(text: string): string {
  return text.toLowerCase().replace(ZERO_WIDTH, "");
}
