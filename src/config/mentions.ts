/**
 * Tests whether a text mentions the bot by name or by one of the operator's patterns (M2).
 *
 * Every user may write the text, so patterns must run in linear time: RE2 runs them, and their size
 * is bounded. The agent's name makes a literal pattern, which the runtime's own expressions can run.
 */

import type { RE2JS } from "re2js";
import { isPassive, toPassiveAgents } from "./schema/router.ts";
import type { Settings } from "./schema/root.ts";
import type { KeyFault, Segment } from "./text/edit.ts";
import { noPattern } from "../policy/rules.ts";

interface Mentions extends MentionTests {
  readonly problems: readonly KeyFault[];
}

/** Tests of texts by the names and patterns of all agents that may answer. */
export interface MentionTests {
  /** Whether a text addresses the bot; {@link noPattern} if there is no name and no pattern. */
  readonly matches: (text: string) => boolean;
  /** Ids of the agents whose own name or pattern is in a text, in the order of the config. */
  readonly named: (text: string) => readonly string[];
  /** Config paths of the triggers of passive agents whose pattern is in a text (N1). */
  readonly patternsIn: (text: string) => readonly string[];
}

interface WrittenPattern {
  readonly pattern: string;
  readonly path: readonly Segment[];
  /** The agent that it names; absent for patterns of all agents. */
  readonly agentId?: string;
  /** Config path of the trigger that it is; absent for names. */
  readonly rule?: string;
}

/** Invisible characters, which must neither hide a name nor split it. */
const ZERO_WIDTH = /[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]/g;

/** Prefers an agent's own patterns, then those for all agents, then the agent's name. */
export async function mentionsOf({ agents, messages, router }: Settings): Promise<Mentions> {
  const active = agents.list.filter(({ id }) => !(router && isPassive(id, router)));
  const shared = messages.groupChat.mentionPatterns;
  const areOwn = active.length > 0 && active.every(({ groupChat }) => groupChat.mentionPatterns);
  const written: WrittenPattern[] = (areOwn ? [] : shared ?? []).map((pattern, index) => ({
    pattern,
    path: ["messages", "groupChat", "mentionPatterns", index],
  }));
  const names: { readonly agentId: string; readonly test: (text: string) => boolean }[] = [];
  for (const agent of active) {
    const { id: agentId, name, groupChat } = agent;
    const index = agents.list.indexOf(agent);
    const own = groupChat.mentionPatterns;
    for (const [at, pattern] of (own ?? []).entries()) {
      const path = ["agents", "list", index, "groupChat", "mentionPatterns", at];
      written.push({ pattern, path, agentId });
    }
    const test = own || shared ? noPattern : byName(name);
    if (test !== noPattern) names.push({ agentId, test });
  }
  const { foundIn, problems: faults } = await compiled(written);
  const triggers = await triggersOf({ agents, router });
  const { patternsIn } = triggers;
  const problems = [...faults, ...triggers.problems];
  if (names.length === 0 && written.length === 0) {
    return { matches: noPattern, named: () => [], patternsIn, problems };
  }
  const order = agents.list.map(({ id }) => id);
  return {
    matches(text) {
      const searched = normalized(text);
      return names.some(({ test }) => test(searched)) || foundIn(searched).length > 0;
    },
    named(text) {
      const searched = normalized(text);
      const found = new Set(foundIn(searched).map(({ agentId }) => agentId));
      for (const { agentId, test } of names) if (test(searched)) found.add(agentId);
      return order.filter((id) => found.has(id));
    },
    patternsIn,
    problems,
  };
}

/** The patterns of passive agents. Their limits are those of names, and they count apart. */
async function triggersOf(
  { agents, router }: Pick<Settings, "agents" | "router">,
): Promise<Pick<Mentions, "patternsIn" | "problems">> {
  const written = toPassiveAgents({ agents, router })
    .flatMap(({ agentId, triggers }): readonly WrittenPattern[] =>
      triggers.flatMap(({ kind, word: pattern, rule }, index) => {
        const path = ["router", "assignments", agentId, "triggers", index, "pattern"];
        return kind === "pattern" ? [{ pattern, path, rule }] : [];
      })
    );
  if (written.length === 0) return { patternsIn: () => [], problems: [] };
  const { foundIn, problems } = await compiled(written);
  return {
    patternsIn: (text) => foundIn(normalized(text)).flatMap(({ rule }) => rule ?? []),
    problems,
  };
}

/** Maximum size of one pattern, and of all together, in instructions of RE2: a hundred of average length. */
const MAX_SIZE = 500;
const MAX_SIZE_OF_ALL = 2_500;

/** Compiles the patterns of all agents together, so that their limits hold for all of them. */
async function compiled(written: readonly WrittenPattern[]): Promise<{
  readonly foundIn: (text: string) => readonly WrittenPattern[];
  readonly problems: readonly KeyFault[];
}> {
  if (written.length === 0) return { foundIn: () => [], problems: [] };

  const { RE2JS } = await import("re2js"); // 150 kB, so only loaded for patterns
  const accepted: { readonly one: WrittenPattern; readonly program: RE2JS }[] = [];
  const problems: KeyFault[] = [];
  let sizeOfAll = 0;
  for (const one of written) {
    const add = (message: string, hint: string) => problems.push({ path: one.path, message, hint });
    let program: RE2JS;
    try {
      program = RE2JS.compile(one.pattern, RE2JS.CASE_INSENSITIVE);
    } catch (cause) {
      add(
        `The pattern is not valid: ${cause instanceof Error ? cause.message : "unreadable"}`,
        "patterns use RE2, which has no (?=…), (?<=…) or \\1",
      );
      continue;
    }
    const size = program.programSize();
    if (program.test("")) {
      add(
        "The pattern matches an empty text, and so every message",
        'set "requireMention": false in a guild to answer every message; ".+" matches each text',
      );
    } else if (size > MAX_SIZE) {
      add(
        `The pattern is too large: ${size} steps, at most ${MAX_SIZE}`,
        "shorten it, or use smaller numbers in {…}",
      );
    } else if (sizeOfAll + size > MAX_SIZE_OF_ALL) {
      add(
        `The patterns are too large: ${
          sizeOfAll + size
        } steps up to here, at most ${MAX_SIZE_OF_ALL}`,
        "use fewer or shorter patterns",
      );
    } else {
      sizeOfAll += size;
      accepted.push({ one, program });
    }
  }
  return {
    foundIn: (text) => accepted.flatMap(({ one, program }) => program.test(text) ? [one] : []),
    problems,
  };
}

/** Matches `@?name` as whole words of a normalized text; no text if the agent has no name. */
function byName(name: string | undefined): (text: string) => boolean {
  const words = normalized(name ?? "").trim().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return noPattern;
  const literal = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("\\s+");
  const pattern = new RegExp(`(?:^|[^\\p{L}\\p{N}_])@?${literal}(?![\\p{L}\\p{N}_])`, "u");
  return (text) => pattern.test(text);
}

function normalized(text: string): string {
  return text.toLowerCase().replace(ZERO_WIDTH, "");
}
