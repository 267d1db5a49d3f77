/**
 * Prints the checks of a decision, passed or failed, with fact and rule (P1).
 *
 * @module
 */

import type { Check, Explanation } from "../../core/inbound/facts.ts";
import { printable } from "../../lib/text/quoted.ts";
import { displayWidth } from "../../render/markdown/graphemes.ts";
import { type PlaceOf, type RulePlace, ruleText } from "./rules_with_lines.ts";
import { padded } from "../shared/columns.ts";
import type { Style } from "../terminal/style.ts";

/** A check, with the place of its rule in the config. */
export interface PlacedCheck extends Check {
  /** Absent if there is no config file. */
  readonly place?: RulePlace;
}

/** Adds to each check the place of its rule. */
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
export interface Shown {
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
  { style, cwd }: Shown,
): readonly string[] {
  const width = Math.max(0, ...checks.map(({ id }) => displayWidth(id)));
  return checks.map(({ id, passed, fact, rule, place }) => {
    const { word, colour } = MARKS[`${passed}`];
    const mark = style[colour](word);
    const text = `${padded(id, width)}  ${printable(fact)}`;
    return `${INDENT}${mark}  ${text}  (${printable(ruleText(rule, place, cwd))})`;
  });
}
