/**
 * The tools of a sender in a place, for `barnacle access test` (T2).
 *
 * @module
 */

import { audienceOf } from "../../core/tool_names.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import {
  prepareToolAccess,
  type ToolAsker,
  type ToolDecision,
  type ToolFacts,
  type ToolReason,
} from "../../policy/tool_access.ts";
import { checkLines, type PlacedCheck, type Shown } from "../verdict/checks.ts";
import type { PlaceOf, RulePlace } from "../verdict/rules_with_lines.ts";

/** A decision, with the place of its rule in the config. */
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

/** Whether any tool depends on who the owners are. */
export function dependOnOwner(tools: readonly ToolFacts[]): boolean {
  return tools.some(({ name }) => audienceOf(name) === "owners");
}

/** One line per tool, under a heading; none if there are no tools. */
export function toolLines(decisions: readonly PlacedDecision[], shown: Shown): readonly string[] {
  if (decisions.length === 0) return [];
  const checks = decisions.map(({ name, isAllowed, why, rule, place }): PlacedCheck => ({
    id: name,
    passed: isAllowed,
    fact: WORDS[why],
    rule,
    place,
  }));
  return ["Tools of the turn:", ...checkLines(checks, shown)];
}

const WORDS: Readonly<Record<ToolReason, string>> = {
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
