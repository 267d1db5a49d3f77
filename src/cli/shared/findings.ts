/**
 * Findings for a person: one row each, and the one thing to do below it.
 *
 * @module
 */

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

/** @returns Lines, without line breaks in them: what Discord or a proxy says is printed with them. */
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
      `${mark}${GAP}${what.padEnd(width)}${time}${GAP}${printable(seen(finding))}`,
      ...(fix === undefined ? [] : [`${indent}→ ${printable(fix)}`]),
    ];
  });
}

/** Of a config the place says the most, and its messages do not name it. */
function seen({ id, where, why }: Finding): string {
  return id === "config" && where !== undefined ? `${where}: ${why}` : why;
}

/** What the findings come to (O7): the most telling of them decides. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.filter(({ status }) => status === "fail").map(({ id }) => id);
  if (failed.some((id) => id === "config" || id.startsWith("config."))) return EXIT.config;
  if (failed.includes("discord.token")) return EXIT.refused;
  if (failed.length > 0) return EXIT.failed;
  return findings.some(({ status }) => status === "warn") ? EXIT.partly : EXIT.done;
}
