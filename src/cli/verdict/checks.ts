/**
 * Prints the checks of a decision, passed or failed, with fact and rule (P1); and the tools of a sender
 * in a place, for `barnacle access test` (T2).
 */

import type { Explanation, VerdictCheck } from "../../core/inbound/facts.ts";
import { printable } from "../../lib/text/quoted.ts";
import { displayWidth } from "../../render/markdown/graphemes.ts";
import { padToWidth } from "../shared/columns.ts";
import type { Style } from "../terminal/style.ts";
import { audienceOf } from "../../core/tool_names.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import {
  prepareToolAccess,
  type ToolAsker,
  type ToolDecision,
  type ToolFacts,
  type ToolReason,
} from "../../policy/tool_access.ts";
import { type PlaceOf, type RulePlace, ruleText } from "./current_rules.ts";

export interface PlacedCheck extends VerdictCheck {
  /** Absent if there is no config file. */
  readonly place?: RulePlace;
}

export function placedChecks(
  { checks }: Pick<Explanation, "checks">,
  placeOf: PlaceOf,
): readonly PlacedCheck[] {
  return checks.map((check) => {
    const place = placeOf(check.rule);
    return { ...check, place };
  });
}

/** How checks are shown. */
export interface CheckStyle {
  /** Style of the words ok and NO. */
  readonly style: Style;
  /** Absolute path of the working directory; paths of files below it are relative. */
  readonly cwd: string;
}

const MARKS = {
  true: { word: "ok", colour: "green" },
  false: { word: "NO", colour: "red" },
} as const;
const INDENT = "  ";

/** One line per check: `"  ok  guild    Friends is listed  (channels.discord.guilds, …:9)"`. */
export function checkLines(
  checks: readonly PlacedCheck[],
  { style, cwd }: CheckStyle,
): readonly string[] {
  const width = Math.max(0, ...checks.map(({ id }) => displayWidth(id)));
  return checks.map(({ id, passed, fact, rule, place }) => {
    const { word, colour } = MARKS[`${passed}`];
    const mark = style[colour](word);
    const text = `${padToWidth(id, width)}  ${printable(fact)}`;
    return `${INDENT}${mark}  ${text}  (${printable(ruleText(rule, place, cwd))})`;
  });
}

export interface PlacedDecision extends ToolDecision {
  /** Absent if there is no config file. */
  readonly place?: RulePlace;
}

/**
 * Decides about all tools.
 *
 * @param missing The config section without which a tool does not exist; `undefined` if it exists.
 */
export function toolsOf(
  asker: ToolAsker,
  policy: AccessPolicy,
  tools: readonly ToolFacts[],
  placeOf: PlaceOf,
  missing: (tool: string) => string | undefined = () => undefined,
): readonly PlacedDecision[] {
  return prepareToolAccess(policy)(asker, tools).map((decided) => {
    const section = decided.isAllowed ? missing(decided.name) : undefined;
    const decision: ToolDecision = section === undefined
      ? decided
      : { name: decided.name, isAllowed: false, why: "not-configured", rule: section };
    const place = placeOf(decision.rule);
    return { ...decision, place };
  });
}

export function dependOnOwner(tools: readonly ToolFacts[]): boolean {
  return tools.some(({ name }) => audienceOf(name) === "owners");
}

/** One line per tool, under a heading; none if there are no tools. */
export function toolLines(
  decisions: readonly PlacedDecision[],
  shown: CheckStyle,
): readonly string[] {
  if (decisions.length === 0) return [];
  const checks = decisions.map(({ name, isAllowed, why, rule, place }): PlacedCheck => ({
    id: name,
    passed: isAllowed,
    fact: TOOL_WORDS[why],
    rule,
    place,
  }));
  return ["Tools of the turn:", ...checkLines(checks, shown)];
}

/** Why a turn has a tool or not, in words. */
export const TOOL_WORDS: Readonly<Record<ToolReason, string>> = {
  "hook": "the hook lists it",
  "not-in-hook": "the hook does not list it",
  "default": "everyone has it by default",
  "owners-default": "owners have it by default",
  "owners-only": "only owners have it by default",
  "not-default": "no one has it by default",
  "allowed": "on the list of allowed tools",
  "not-allowed": "not on the list of allowed tools",
  "also-allowed": "allowed in addition",
  "denied": "denied",
  "gate-closed": "its gate is closed",
  "place-closed": "the bot may not answer here",
  "not-configured": "the config has no section for it",
};

/** Turns a sentence into a phrase; names keep their capitals. */
export function asPhrase(sentence: string): string {
  const body = sentence.replace(/\.$/, "");
  return /^(?:Barnacle|Discord|PluralKit)\b/.test(body)
    ? body
    : body.replace(/^./u, (a) => a.toLowerCase());
}
