/**
 * Lays the rows of a table out in columns of the terminal, and prints findings: a row for each, with
 * its fix below.
 *
 * Names come from Discord, and may be Japanese or an emoji. So a cell's width is its columns on the
 * screen, not its letters, and no cell may move the cursor.
 */

import { displayWidth } from "../../render/markdown/chunk.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { Finding, FindingStatus } from "../../core/finding.ts";
import type { Colour, Io, Style } from "../terminal/io.ts";
import type { CommonFlags } from "./command.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";

const GAP = "  ";

/**
 * Aligns all cells of a column; the last one is not padded.
 *
 * @returns Lines without spaces at their ends.
 */
export function inColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [at, cell] of row.entries()) {
      widths[at] = Math.max(widths[at] ?? 0, displayWidth(cell));
    }
  }
  return cells.map((row) =>
    row.map((cell, at) => padToWidth(cell, widths[at] ?? 0)).join(GAP).trimEnd()
  );
}

/** Prints lines of people; a terminal gets them broken between words. */
export function printLines(lines: readonly string[], io: Io): void {
  for (const line of lines) io.out(line);
}

export function padToWidth(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

const MARKS: Readonly<Record<FindingStatus, { readonly word: string; readonly colour: Colour }>> = {
  pass: { word: "ok", colour: "green" },
  warn: { word: "warn", colour: "yellow" },
  fail: { word: "FAIL", colour: "red" },
  skipped: { word: "skip", colour: "dim" },
};

const MARK_WIDTH = 4;
const FINDING_GAP = "  ";

/**
 * Lays findings out in columns.
 *
 * @returns Lines without line breaks or escapes: texts of Discord or of a proxy cannot forge a row.
 */
export function showFindings(findings: readonly Finding[], style: Style): readonly string[] {
  const width = Math.max(0, ...findings.map(({ what }) => what.length));
  const times = findings.map(({ ms }) => ms === undefined ? "" : `${Math.round(ms)} ms`);
  const timeWidth = Math.max(
    0,
    ...times.map((time) => time === "" ? 0 : time.length + FINDING_GAP.length),
  );
  return findings.flatMap((finding, index) => {
    const { what, status, fix } = finding;
    const { word, colour } = MARKS[status];
    const mark = style[colour](word.padEnd(MARK_WIDTH));
    const time = (times[index] ?? "").padStart(timeWidth);
    const indent = " ".repeat(
      MARK_WIDTH + FINDING_GAP.length + width + timeWidth + FINDING_GAP.length,
    );
    return [
      `${mark}${FINDING_GAP}${what.padEnd(width)}${time}${FINDING_GAP}${
        printable(whyText(finding))
      }`,
      ...(fix === undefined ? [] : [`${indent}= ${printable(fix)}`]),
    ];
  });
}

/** Findings of the config and of a running bot do not name their place, so it precedes them. */
function whyText({ id, where, why }: Finding): string {
  return /^(?:config|budget)$|:/.test(id) && where !== undefined ? `${where}: ${why}` : why;
}

/** Prints the findings of a command, as rows or as JSON, and returns its exit code. */
export function reportFindings(findings: readonly Finding[], json: boolean, io: Io): ExitCode {
  const exitCode = exitCodeOf(findings);
  if (json) io.out(JSON.stringify({ findings, exitCode }));
  else printLines(showFindings(findings, io.style), io);
  return exitCode;
}

/** The exit code for findings (O7): the most specific failure decides. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.filter(({ status }) => status === "fail");
  const exits = new Set(
    failed.map(({ id }) =>
      /^config(?:\.|$)/.test(id) ? "config" : id === "discord.token" ? "refused" : "failed"
    ),
  );
  for (const exit of ["config", "refused", "failed"] as const) {
    if (exits.has(exit)) return EXIT[exit];
  }
  return findings.some(({ status }) => status === "warn") ? EXIT.partly : EXIT.done;
}

/** Prints a list as JSON or as lines; of an empty one, `none` to stderr. */
export function printList<Item>(
  items: readonly Item[],
  none: string,
  { json }: CommonFlags,
  io: Io,
  linesOf: (items: readonly Item[]) => readonly string[],
): ExitCode {
  if (json) io.out(JSON.stringify(items));
  else if (items.length === 0) io.err(none);
  else printLines(linesOf(items), io);
  return EXIT.done;
}

/**
 * Changes rows by their numbers, and prints what has become of each.
 *
 * @param change Resolves with `false` if a row cannot be changed.
 * @param words Names the change in JSON, and says what has happened to a row, or why nothing.
 */
export async function changeRows(
  ids: readonly number[],
  change: (id: number) => Promise<boolean>,
  words: { readonly key: string; readonly done: string; readonly failed: (id: number) => string },
  { json }: CommonFlags,
  io: Io,
): Promise<ExitCode> {
  const changed: number[] = [];
  for (const id of ids) {
    if (await change(id)) changed.push(id);
    else io.problem(words.failed(id));
  }
  if (json) io.out(JSON.stringify({ [words.key]: changed }));
  else for (const id of changed) io.out(`${id} ${words.done}`);
  return changed.length === ids.length ? EXIT.done : EXIT.failed;
}
