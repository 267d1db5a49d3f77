/**
 * Finds parts of a text that should stay whole: links, mentions, code and emphasis.
 *
 * A chunk ends with marks open that the next one must repeat: a spoiler that is cut would show its
 * hidden text, and a quote or a nested list would continue as if it were none.
 */

import type { TextRange } from "../../lib/text/edits.ts";

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

export function columnsOf(indent: string): number {
  return indent.replaceAll("\t", "    ").length;
}

/** Spans that a cut would damage, grouped by the damage. Spans of one kind are in order and do not overlap. */
export interface Spans {
  /** Links and mentions: if cut, they no longer work. */
  readonly strict: readonly TextRange[];
  /** The same, links with their words, and code: if cut, they look bad. */
  readonly whole: readonly TextRange[];
  /**
   * Bold, italic, underlined, struck out and hidden text: to keep it whole, a message may be
   * shorter.
   */
  readonly soft: readonly TextRange[];
}

/** Text between two equal marks: of emphasis, of a spoiler, or of code within a line. */
export interface Pair extends TextRange {
  readonly mark: string;
}

const STRICT =
  /<?https?:\/\/[^\s<>]+>?|<(?:@[!&]?|#)\d+>|<a?:\w+:\d+>|<t:-?\d+(?::\w)?>|<\/[^<>:\n]+:\d+>|<id:\w+>/g;
// Each part begins with a character that the part before may not contain. So no text makes the
// pattern read the same words twice. Words and addresses may contain one pair of brackets in
// another.
const WORDS = String.raw`\[[^[\]\n]*(?:\[[^[\]\n]*\][^[\]\n]*)*\]`;
const ADDRESS = String.raw`\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)`;
const WHOLE = new RegExp(`${WORDS}${ADDRESS}|${STRICT.source}`, "g");
const LINK = new RegExp(`${WORDS}(?=\\(<?https?:)${ADDRESS}|${STRICT.source}`, "g");
/** A mark, or an escaped character. Unlike CommonMark, Discord pairs marks across blank lines. */
const MARK = /\\[^0-9A-Za-z\s]|\*{1,2}|_{1,2}|~~|\|\||`+/g;

/**
 * Finds the spans of a stretch. Except for emphasis, none is longer than a line.
 *
 * @param searched Spans may begin from `from` up to the end of the line that contains `to`. Those longer
 * than `longest` need not stay whole.
 */
export function spansOf(
  { text, from, to, longest, pairs }: {
    readonly text: string;
    readonly from: number;
    readonly to: number;
    readonly longest: number;
    /** Of the whole text. */
    readonly pairs: readonly Pair[];
  },
): Spans {
  const rest = text.slice(to, to + longest);
  const lineEnd = rest.indexOf("\n");
  const searched = text.slice(from, lineEnd === -1 ? to + rest.length : to + lineEnd);
  const isWorthIt = ({ start, end }: TextRange) => end - start <= longest;
  const near = pairs.filter((pair) => pair.end > from && pair.start <= to && isWorthIt(pair));
  const isCode = ({ mark }: Pair) => mark.startsWith("`");
  const whole = matchesOf(WHOLE, searched, from).filter(isWorthIt);
  return {
    strict: matchesOf(STRICT, searched, from).filter(isWorthIt),
    whole: mergeSpans([...whole, ...near.filter(isCode)]),
    soft: mergeSpans(near.filter((pair) => !isCode(pair))),
  };
}

/** Finds the links, mentions and emojis of a text, in which Discord begins no mark. */
export const linksIn = (text: string): readonly TextRange[] => matchesOf(LINK, text, 0);

function matchesOf(pattern: RegExp, searched: string, from: number): readonly TextRange[] {
  return Array.from(searched.matchAll(pattern), ({ 0: { length }, index }) => ({
    start: from + index,
    end: from + index + length,
  }));
}

/** Finds the pairs of a text outside of its code, and the marks without a partner, as empty ones. */
export function marksIn(text: string, code: readonly TextRange[]): readonly Pair[] {
  const found: { readonly start: number; end: number; readonly mark: string }[] = [];
  const open = new Map<string, typeof found[number]>();
  for (const { 0: mark, index: start } of text.matchAll(MARK)) {
    if (mark.startsWith("\\") || isWithin(code, start)) continue;
    const before = text.charAt(start - 1);
    const after = text.charAt(start + mark.length);
    const isAfterWord = mark.startsWith("_") && WORD.test(before);
    const isBeforeWord = mark.startsWith("_") && WORD.test(after);
    const first = open.get(mark);
    if (isAfterWord && isBeforeWord && mark === "_") continue;
    const mayEnd = mark === "||" || (NON_SPACE.test(before) && !isBeforeWord);
    if (mayEnd && first && first.start + mark.length < start) {
      first.end = start + mark.length;
      open.delete(mark);
      continue;
    }
    if (mark === "*" && !NON_SPACE.test(after)) continue; // Discord begins no emphasis there
    const lone = { start, end: start, mark };
    found.push(lone);
    const mayOpen = NON_SPACE.test(after) && !isAfterWord && !mark.startsWith("`");
    if (mayOpen || mark === "||") open.set(mark, lone);
  }
  return found;
}

/** Whether a position is within one of some ranges, which are in order. */
export function isWithin(ranges: readonly TextRange[], position: number): boolean {
  return spanAt(ranges, position + 0.5) !== undefined;
}

const WORD = /[\p{L}\p{N}_]/u;
const NON_SPACE = /\S/;

function mergeSpans(spans: readonly TextRange[]): readonly TextRange[] {
  const outer: TextRange[] = [];
  for (const { start, end } of spans.toSorted((one, other) => one.start - other.start)) {
    const last = outer.at(-1);
    if (!last || start >= last.end) outer.push({ start, end });
    else outer[outer.length - 1] = { start: last.start, end: Math.max(last.end, end) };
  }
  return outer;
}

/** The span around a position, where a cut would break it. A span's ends do not count. */
export function spanAt<Found extends TextRange>(
  spans: readonly Found[],
  at: number,
): Found | undefined {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle]?.start ?? at) < at) low = middle + 1;
    else high = middle;
  }
  const span = spans[low - 1];
  return span && at < span.end ? span : undefined;
}
