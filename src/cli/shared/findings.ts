/**
 * Prints findings: a row for each, with its fix below.
 *
 * @module
 */

import { checkOf } from "../../core/checks.ts";
import type { Finding, FindingStatus } from "../../core/finding.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { Colour, Style } from "../terminal/style.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";

/** The word of each status, and its colour. */
const MARKS: Readonly<Record<FindingStatus, { readonly word: string; readonly colour: Colour }>> = {
  pass: { word: "ok", colour: "green" },
  warn: { word: "warn", colour: "yellow" },
  fail: { word: "FAIL", colour: "red" },
  skipped: { word: "skip", colour: "dim" },
};

const MARK_WIDTH = 4;
const GAP = "  ";

/**
 * Lays findings out in columns.
 *
 * @returns Lines without line breaks or escapes: texts of Discord or of a proxy cannot forge a row.
 */
export function showFindings(
  findings: readonly Finding[],
  style: Style,
): readonly string[] {
  const width = Math.max(0, ...findings.map(({ what }) => what.length));
  const times = findings.map(({ ms }) => ms === undefined ? "" : `${Math.round(ms)} ms`);
  const timeWidth = Math.max(0, ...times.map((time) => time === "" ? 0 : time.length + GAP.length));
  return findings.flatMap((finding, index) => {
    const { what, status, fix } = finding;
    const { word, colour } = MARKS[status];
    const mark = style[colour](word.padEnd(MARK_WIDTH));
    const time = (times[index] ?? "").padStart(timeWidth);
    const indent = " ".repeat(MARK_WIDTH + GAP.length + width + timeWidth + GAP.length);
    return [
      `${mark}${GAP}${what.padEnd(width)}${time}${GAP}${printable(whyText(finding))}`,
      ...(fix === undefined ? [] : [`${indent}→ ${printable(fix)}`]),
    ];
  });
}

/** Config messages do not name their place, so it precedes them. */
function whyText({ id, where, why }: Finding): string {
  return id === "config" && where !== undefined ? `${where}: ${why}` : why;
}

/** The exit code for findings (O7): the most specific failure decides. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.filter(({ status }) => status === "fail");
  const exits = new Set(failed.map(({ id }) => checkOf(id)?.exit ?? "failed"));
  for (const exit of ["config", "refused", "failed"] as const) {
    if (exits.has(exit)) return EXIT[exit];
  }
  return findings.some(({ status }) => status === "warn") ? EXIT.partly : EXIT.done;
}
