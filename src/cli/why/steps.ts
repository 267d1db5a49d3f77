/**
 * Prints the steps of a turn: its requests to the model and its tool calls.
 *
 * @module
 */

import type { TimelineEntry } from "../../core/turn/timeline.ts";
import { moneyText } from "../../render/cost.ts";
import { clip } from "../../lib/text/cut.ts";
import { printable } from "../../lib/text/quoted.ts";
import { inColumns } from "../shared/columns.ts";

/** Maximum UTF-16 units of a call's arguments, and of its problem. */
const SHOWN_CHARS = 80;

/** One line for each step, after a heading; no line without steps. */
export function stepLines(steps: readonly TimelineEntry[]): readonly string[] {
  if (steps.length === 0) return [];
  return ["Steps:", ...inColumns(steps.map(row))];
}

function row(entry: TimelineEntry, index: number): string[] {
  const ms = entry.endedAt - entry.startedAt;
  const took = ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
  const number = `  ${index + 1}`;
  if (entry.kind === "model") {
    const { usage, calls } = entry;
    const parts = [
      ...(usage ? [`${usage.inputTokens} + ${usage.outputTokens} tokens`] : []),
      ...(usage?.micros === undefined ? [] : [`money ${moneyText(usage.micros)}`]),
      calls.length === 0 ? "answers" : `calls ${printable(calls.join(", "))}`,
    ];
    return [number, "model", took, parts.join(", ")];
  }
  const { name, arguments: written, end, chars, refused, problem } = entry;
  const result = problem === undefined
    ? `${end}, ${chars} ${chars === 1 ? "character" : "characters"}`
    : `${refused ? `refused (${refused}), ` : ""}${short(problem)}`;
  return [number, "tool", took, `${printable(name)} ${short(written)}: ${result}`];
}

function short(text: string): string {
  return printable(clip(text, SHOWN_CHARS).replaceAll(/\s+/g, " "));
}
