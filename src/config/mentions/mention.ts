/**
 * Tests whether a text mentions the bot by name or by one of the operator's patterns (M2).
 *
 * Every user may write the text, so patterns must run in linear time: RE2 runs them, several in one
 * pass, and `config check` bounds their size. The agent's name makes a literal pattern, which the
 * runtime's own expressions can run.
 */

import type { RE2JS } from "re2js";
import { determinize, MAX_WORK, MAX_WORK_OF_COUNTED } from "./mention_states.ts";
import { isPassive, toPassiveAgents } from "../schema/router.ts";
import type { Settings } from "../schema/root.ts";
import type { KeyFault, Segment } from "../text/tree.ts";
import { noPattern, noPatterns } from "../../policy/rules/rules.ts";

/** Tests of texts, and the patterns that are not valid. */
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
export async function mentionsOf(
  { agents, messages, router }: Pick<Settings, "agents" | "messages" | "router">,
): Promise<Mentions> {
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
  if (written.length === 0) return { patternsIn: noPatterns, problems: [] };
  const { foundIn, problems } = await compiled(written);
  return {
    patternsIn: (text) => foundIn(normalized(text)).flatMap(({ rule }) => rule ?? []),
    problems,
  };
}

/**
 * Maximum size of one pattern, in instructions of RE2, and of all counting ones together. A text of
 * 490 letters is as large.
 */
const MAX_SIZE = 500;
/** Maximum size of all patterns together: a hundred of average length. */
const MAX_SIZE_OF_ALL = 4_000;

/**
 * A repetition. Patterns without one run in one pass together. The automaton of others can have a
 * state for each set of them: a hostile text makes 100 of them take 150 ms together, and 2 ms one
 * by one. In fours they take less than either.
 */
const REPEATED = /[*+]/;
const REPEATED_TOGETHER = 4;
/** Plain words. Their automaton has a state per letter at most, so the states are not made before. */
const LITERAL = /^(?:\\b|\^)?[\p{L}\p{N} _@#,!'-]*(?:\\b|\$)?$/u;
/** A counted repetition, whose automaton can have a state for each set of numbers: it runs alone. */
const COUNTED = /\{\d/;

const NOTHING_FOUND: readonly WrittenPattern[] = [];

type Program = Pick<RE2JS, "test" | "programSize">;
type PatternFault = Omit<KeyFault, "path">;
type Kind = "literal" | "plain" | "repeated" | "counted";

/** Compiles the patterns of all agents together, so that their limits hold for all of them. */
async function compiled(written: readonly WrittenPattern[]): Promise<{
  readonly foundIn: (text: string) => readonly WrittenPattern[];
  readonly problems: readonly KeyFault[];
}> {
  if (written.length === 0) return { foundIn: () => [], problems: [] };

  const { RE2JS, RE2Set } = await import("re2js"); // 150 kB, so only loaded for patterns
  const accepted: Record<Kind, WrittenPattern[]> = {
    literal: [],
    plain: [],
    repeated: [],
    counted: [],
  };
  const problems: KeyFault[] = [];
  const sizes = { all: 0, counted: 0 };
  for (const one of written) {
    const { pattern, path } = one;
    const program = valid(pattern, (text) => RE2JS.compile(text, RE2JS.CASE_INSENSITIVE));
    const fault = "message" in program ? program : sizeFault(pattern, program, sizes);
    if (fault) problems.push({ path, ...fault });
    else accepted[kindOf(pattern)].push(one);
  }
  const { literal, plain, repeated, counted } = accepted;
  const setOf = (group: readonly WrittenPattern[]) => {
    const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE);
    for (const { pattern } of group) set.add(pattern);
    return set;
  };
  const sets = inGroups(literal, literal.length).map((group) => ({ set: setOf(group), group }));
  const left = { counted: MAX_WORK_OF_COUNTED, all: MAX_WORK };
  const groups = [
    ...inGroups(counted, 1),
    ...inGroups(plain, plain.length),
    ...inGroups(repeated, REPEATED_TOGETHER),
  ];
  for (const group of groups) {
    const set = setOf(group);
    const of = counted.some((one) => group.includes(one)) ? "counted" : "all";
    const work = determinize(set, left[of]);
    if (work === undefined) {
      const alone = group.filter((one) => determinize(setOf([one]), left[of]) === undefined);
      problems.push(...tooComplex(alone.length > 0 ? alone : group));
      break; // the work of the rest is unknown
    }
    left[of] -= work;
    sets.push({ set, group });
  }
  return {
    foundIn(text) {
      let found: WrittenPattern[] | undefined;
      for (const { set, group } of sets) {
        for (const index of set.match(text)) {
          const pattern = group[index];
          if (pattern) (found ??= []).push(pattern);
        }
      }
      return found ?? NOTHING_FOUND;
    },
    problems,
  };
}

/** The problem of patterns whose automaton is too large; several share it. */
function tooComplex(patterns: readonly WrittenPattern[]): readonly KeyFault[] {
  const [first, ...others] = patterns;
  const message = others.length === 0
    ? "The pattern is too complex: a hostile message could make each search slow"
    : "The patterns are too complex together: a hostile message could make each search slow";
  const hint = 'write ".*" in place of ".{0,40}", a letter in place of a class, or fewer patterns';
  return first ? [{ path: first.path, message, hint }] : [];
}

function kindOf(pattern: string): Kind {
  if (LITERAL.test(pattern)) return "literal";
  return COUNTED.test(pattern) ? "counted" : REPEATED.test(pattern) ? "repeated" : "plain";
}

function inGroups<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const groups: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  return groups;
}

function valid(pattern: string, compile: (pattern: string) => Program): Program | PatternFault {
  try {
    const program = compile(pattern);
    if (!program.test("")) return program;
    return {
      message: "The pattern matches an empty text, and so every message",
      hint:
        'set "requireMention": false in a guild to answer every message; ".+" matches each text',
    };
  } catch (cause) {
    return {
      message: `The pattern is not valid: ${cause instanceof Error ? cause.message : "unreadable"}`,
      hint: "patterns use RE2, which has no (?=…), (?<=…) or \\1",
    };
  }
}

/**
 * The fault of a pattern that is too large.
 *
 * @param sizes Sizes of the patterns so far; a pattern that fits is added.
 */
function sizeFault(
  pattern: string,
  program: Program,
  sizes: { all: number; counted: number },
): PatternFault | undefined {
  const size = program.programSize();
  const all = sizes.all + size;
  const counted = sizes.counted + (COUNTED.test(pattern) ? size : 0);
  if (size > MAX_SIZE) {
    return {
      message: `The pattern is too large: ${size} steps, at most ${MAX_SIZE}`,
      hint: "shorten it, or use smaller numbers in {…}",
    };
  }
  if (counted > MAX_SIZE) {
    return {
      message: `The patterns with {…} are too large: ${counted} steps up to here, at most ` +
        `${MAX_SIZE}`,
      hint: "use fewer of them, or smaller numbers",
    };
  }
  if (all > MAX_SIZE_OF_ALL) {
    return {
      message: `The patterns are too large: ${all} steps up to here, at most ${MAX_SIZE_OF_ALL}`,
      hint: "use fewer or shorter patterns",
    };
  }
  sizes.all = all;
  sizes.counted = counted;
  return undefined;
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
