/**
 * Prints the checks of a decision, passed or failed, with fact and rule (P1).
 */

import type { Explanation, VerdictCheck } from "../../core/inbound/facts.ts";
import { printable } from "../../lib/text/quoted.ts";
import { displayWidth } from "../../render/markdown/graphemes.ts";
import { padToWidth } from "../shared/columns.ts";
import type { Style } from "../terminal/style.ts";
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

/** Turns a sentence into a phrase; names keep their capitals. */
export function asPhrase(sentence: string): string {
  const body = sentence.replace(/\.$/, "");
  return /^(?:Barnacle|Discord|PluralKit)\b/.test(body)
    ? body
    : body.replace(/^./u, (a) => a.toLowerCase());
}
