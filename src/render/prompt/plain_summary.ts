/**
 * Summarises entries without a model: the first words of each message, and the names of called tools.
 *
 * It stands in for a model that gives no summary. It answers fewer questions, but it costs nothing
 * and never fails, and it keeps who spoke, when, and the ids that `recall` takes.
 */

import type { Entry } from "../../core/inbound/transcript.ts";
import type { Summary } from "../../core/turn/checkpoint.ts";
import { bounded, clip } from "../../lib/text/cut.ts";
import { fairLimit } from "./envelope.ts";
import { withoutLinks } from "./summary.ts";

/** Share of the room that a model's summary of still earlier entries may take. */
const PREVIOUS_SHARE = 0.5;
/** Fewest UTF-16 units of a line's words that say anything. If there were fewer, lines are left out. */
const LEAST_WORDS = 60;
/** What stands before the words of a line, and is not cut. */
const HEAD = /^(?:\[\d{1,20}\] .{1,200}? \(\d{1,20}\): |assistant: )/;
const ASSISTANT = "assistant: ";
/** Share of the lines that is kept of the beginning if some are left out. */
const FIRST_SHARE = 0.25;

/**
 * Writes the summary. If no model wrote the summary of still earlier entries, its lines shrink with
 * the new ones, so the beginning stays however often entries are folded. With too little room, the
 * bot's older lines are left out first: what people asked explains more than its answers.
 *
 * @param entries Oldest first.
 * @param previous The summary of still earlier entries.
 * @param maxChars Maximum UTF-16 units.
 */
export function plainSummaryOf(
  entries: readonly Entry[],
  previous: Summary | undefined,
  maxChars: number,
): string {
  const before = previous && !previous.isPlain
    ? [clip(previous.text, Math.floor(maxChars * PREVIOUS_SHARE))]
    : [];
  const room = Math.max(0, maxChars - charsOf(before));
  const earlier = previous?.isPlain ? withoutLinks(previous.text).split("\n") : [];
  const all = [...earlier, ...entries.flatMap(linesOf)];
  const lines = fitting(all, room);
  const words = Math.max(1, wordsIn(lines, room));
  return [...before, ...lines.map((line) => bounded(line, headOf(line) + words))].join("\n");
}

/** The lines that fit into the room with enough words of each. */
function fitting(all: readonly string[], room: number): readonly string[] {
  if (wordsIn(all, room) >= LEAST_WORDS) return all;
  const people = all.filter((line) => !line.startsWith(ASSISTANT));
  if (wordsIn(people, room) < LEAST_WORDS) {
    return fewer(people, Math.floor(room / (LEAST_WORDS + 1 + headsOf(people) / people.length)));
  }
  // The newest lines of the bot take the rest.
  let left = people.reduce((rest, line) => rest - leastOf(line), room);
  return all.toReversed().filter((line) => {
    if (!line.startsWith(ASSISTANT)) return true;
    left -= leastOf(line);
    return left >= 0;
  }).toReversed();
}

/** The UTF-16 units of a line with the fewest words. */
function leastOf(line: string): number {
  return Math.min(line.length, headOf(line) + LEAST_WORDS) + 1;
}

/** The most UTF-16 units of each line's words, so that all lines fit into the room. */
function wordsIn(lines: readonly string[], room: number): number {
  const left = room - headsOf(lines) - lines.length;
  return fairLimit(lines.map((line) => line.length - headOf(line)), Math.max(0, left));
}

function headOf(line: string): number {
  return HEAD.exec(line)?.[0].length ?? 0;
}

function headsOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + headOf(line), 0);
}

function charsOf(lines: readonly string[]): number {
  return lines.reduce((sum, { length }) => sum + length + 1, 0);
}

const LEFT_OUT = /^\((\d{1,9}) more lines\)$/;

/** Leaves out lines after the first ones, so that at most so many stay. */
function fewer(all: readonly string[], most: number): readonly string[] {
  const at = all.findIndex((line) => LEFT_OUT.test(line));
  const before = at < 0 ? 0 : Number(LEFT_OUT.exec(all[at] ?? "")?.[1]);
  const lines = at < 0 ? all : all.toSpliced(at, 1);
  const left = Math.max(0, lines.length - most);
  if (before + left === 0) return lines;
  const first = left > 0 ? Math.floor(most * FIRST_SHARE) : at;
  return [
    ...lines.slice(0, first),
    `(${before + left} more lines)`,
    ...lines.slice(first + left),
  ];
}

function linesOf(entry: Entry): readonly string[] {
  const { role, text, messageId } = entry;
  switch (role) {
    case "user": {
      const said = (entry.parts ?? []).flatMap(({ from, text }) =>
        from === undefined ? [] : [`[${messageId}] ${from}: ${inOneLine(text)}`]
      );
      return said.length > 0 ? said : [`[${messageId}] ${inOneLine(text)}`];
    }
    case "assistant": {
      const calls = entry.calls?.map(({ name }) => name) ?? [];
      const called = calls.length > 0 ? `called ${calls.join(", ")}` : "";
      const said = [inOneLine(text), called].filter((part) => part !== "").join("; ");
      return said === "" ? [] : [ASSISTANT + said];
    }
    case "tool":
      return [];
  }
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
