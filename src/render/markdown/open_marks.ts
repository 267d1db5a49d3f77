/**
 * Finds the marks that are open where a chunk ends, and that the next chunk must repeat.
 *
 * A spoiler that is cut would show its hidden text, bold and code would show their marks, and a quote
 * or a nested list would continue as if it were none.
 */

import type { Pair } from "./spans.ts";

/** Marks around the beginning of a chunk. */
export interface Enclosure {
  /** Marks of spoilers, emphasis and code, the outer ones first. */
  readonly marks: readonly string[];
  /** Mark of a quoted line that was cut: `"> "`; else empty. */
  readonly quote: string;
}

export const NOTHING_OPEN: Enclosure = { marks: [], quote: "" };

/** Maximum length of a quote mark to repeat. Discord shows quotes in quotes as one. */
const LONGEST_QUOTE = 4;
export const BLOCK_QUOTE = ">>> ";
/** Maximum length of all marks after a chunk: each kind once, and two backticks. */
export const MAX_SUFFIX: number = "**__~~||*_``".length;
/** Maximum length of all marks before a chunk. */
export const MAX_PREFIX: number = BLOCK_QUOTE.length + LONGEST_QUOTE + MAX_SUFFIX;

/** Finds the marks around a place. `pairs`: of the whole text, in the order of their starts. */
export function openAt(text: string, pairs: readonly Pair[], at: number): {
  readonly closing: readonly string[];
  /** Marks to open again at `next`. */
  readonly opening: readonly string[];
  /** End of the piece: before a mark that no text of the piece follows. */
  readonly end: number;
  /** Start of the next piece: after a mark that no text precedes. */
  readonly next: number;
} {
  const around = pairs.filter(({ start, end }) => start < at && at < end);
  let end = at;
  let next = at;
  for (const { mark, ...pair } of around.toReversed()) {
    if (text.slice(pair.start + mark.length, end).trim() === "") end = pair.start;
    if (text.slice(next, pair.end - mark.length).trim() === "") next = pair.end;
  }
  const closing = around.filter(({ start }) => start < end);
  const opening = closing.filter((pair) => pair.end > next);
  return { closing: closing.map(markOf), opening: opening.map(markOf), end, next };
}

const markOf = ({ mark }: Pair): string => mark;

const QUOTE = /(?:> ){1,3}/y;

/**
 * The mark of the quoted line around a piece's end; empty if the piece ends with the line.
 *
 * @param before Mark of the line that was cut at `from`.
 */
export function quoteAt(text: string, from: number, to: number, before: string): string {
  const line = text.slice(from, to).lastIndexOf("\n");
  if (line === -1 && text.charAt(from - 1) !== "\n" && from > 0) return before;
  QUOTE.lastIndex = from + line + 1;
  const mark = QUOTE.exec(text)?.[0] ?? "";
  return mark.length <= LONGEST_QUOTE ? mark : "";
}

const ITEM = /^((?:> ?)*)([ \t]*)([-*+]|\d{1,9}[.)])[ \t]/;
/** UTF-16 units of a line that tell whether it is an item. */
const ITEM_CHARS = 200;

/**
 * The items above a nested item that begins a chunk, each as `…`. Discord removes the indentation at
 * the start of a message, and so the item's level.
 */
export function itemsAbove(text: string, from: number, most: number): string {
  const first = text.slice(from, from + ITEM_CHARS).replace(/^(?:(?:> ?)+[ \t]*\n)+/, "");
  let level = columnsOf(ITEM.exec(first)?.[2] ?? "");
  let items = "";
  for (let end = from - 1; level > 0 && end > 0;) {
    const start = text.lastIndexOf("\n", end - 1) + 1;
    const line = text.slice(start, Math.min(end, start + ITEM_CHARS));
    end = start - 1;
    const [, quotes = "", indent = "", mark] = ITEM.exec(line) ?? [];
    if (mark === undefined && /^(?:> ?)*[^\s>]/.test(line)) break;
    if (mark === undefined || columnsOf(indent) >= level) continue;
    level = columnsOf(indent);
    items = `${quotes}${indent}${mark} …\n${items}`;
  }
  return level === 0 && items.length <= most ? items : "";
}

/** Columns of an indentation. */
export function columnsOf(indent: string): number {
  return indent.replaceAll("\t", "    ").length;
}
