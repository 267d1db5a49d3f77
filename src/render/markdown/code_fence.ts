/**
 * Finds the code fences of a text, as their author meant them (R2a).
 *
 * Models write Markdown's fences, and looser ones: a fence may open after other words, have any
 * indentation, and close in the middle of a line. A model that ran out of tokens leaves one open.
 *
 * The cut, the links' filter and the renderer share the reading of code. Code is an example that a
 * model quotes, so tags, tokens and links in it stay unchanged. But Discord reads marks in the
 * order in which they begin, each up to the next one of its kind. A mark before code that ends
 * within it, or a lone backtick, breaks the code. Only code that Discord shows in each reading
 * counts as shown.
 */

import type { TextRange } from "../../lib/text/edits.ts";
import { marksIn, type Pair, spanAt } from "./spans.ts";

/** Discord's maximum length of a message, in UTF-16 units. */
export const MAX_CHUNK_LENGTH = 2_000;

/** One fence. Positions are indexes of UTF-16 units. */
export interface CodeFence {
  /** Start of the line, or of the opening marker if words precede it. */
  readonly start: number;
  /** Start of the content, after the opening line. */
  readonly contentStart: number;
  /** Start of the closing marker; the text's end if there is none. */
  readonly contentEnd: number;
  /** End of the closing marker; infinite if there is none. */
  readonly end: number;
  readonly marker: string;
  /** Indentation and quote marks of its lines. */
  readonly prefix: string;
  /** Line that opens the fence again, with its language. */
  readonly open: string;
  /** Head of a table, which each chunk repeats; else empty. */
  readonly head: string;
  readonly close: string;
}

interface Opening extends Omit<CodeFence, "contentEnd" | "end"> {
  /** Whether only white space and quote marks precede it on its line. */
  readonly isBlock: boolean;
  /** Whether its code begins on its own line. It then ends within a line, too. */
  readonly isInLine: boolean;
  /** Whether it is a Markdown document, whose fences open and close within it. */
  readonly nests: boolean;
}

/** A run of backticks or tildes. */
interface Marker {
  readonly marker: string;
  readonly index: number;
  readonly startsLine: boolean;
  readonly endsLine: boolean;
}

const MARKER = /`{3,}|~{3,}/g;
const INDENT = /^[ \t>]*$/;
const ITEM = /^[ \t>]*(?:[-*+]|\d{1,9}[.)]) +$/;

/** Part of a chunk's length that a fence must leave for its content. */
const LEAST_ROOM = 1 / 5;

/**
 * Finds the fences of a text, in order.
 *
 * @param limit Length of the chunks to come. A language that is too long to repeat in each chunk
 * counts as content. A marker that is too long for a chunk is no fence.
 */
export function codeFences(text: string, limit: number): readonly CodeFence[] {
  const markers = Array.from(text.matchAll(MARKER), ({ 0: marker, index }) => {
    const startsLine = INDENT.test(lineBefore(text, index, 1_000));
    const behind = text.slice(index + marker.length, index + marker.length + 100);
    return { marker, index, startsLine, endsLine: /^[^\S\n]*(?:\n|$)/.test(behind) };
  });
  const fences: CodeFence[] = [];
  for (let next = 0; next < markers.length;) {
    const first = markers[next];
    const opening = first && openingAt(text, first.index, first.marker, limit);
    next += 1;
    if (!opening) continue;
    const closer = closerOf(opening, text, markers, next);
    if (closer) {
      const { index, marker } = closer;
      fences.push({ ...opening, contentEnd: index, end: index + marker.length });
      next = markers.indexOf(closer, next) + 1;
    } else if (opening.isBlock && text.slice(opening.contentStart).trim() !== "") {
      fences.push({ ...opening, contentEnd: text.length, end: Infinity });
      break;
    } // otherwise it never closes, and follows words or is empty: it is plain text
  }
  return fences;
}

/** The fence around a position. Its first and its last position do not count. */
export function fenceAt(fences: readonly CodeFence[], position: number): CodeFence | undefined {
  return spanAt(fences, position);
}

function openingAt(
  text: string,
  index: number,
  marker: string,
  limit: number,
): Opening | undefined {
  const before = lineBefore(text, index, limit);
  const isBlock = INDENT.test(before);
  if (
    marker.startsWith("~") ? !isBlock && !ITEM.test(before) : /(?<!\\)(?:\\\\)*\\$/.test(before)
  ) return undefined;

  // `>>> ` quotes everything that follows, and is no mark of this line.
  const prefix = isBlock ? before.replace(/^>>> /, "") : "";
  const close = prefix + marker;
  const isTooLong = (open: string) => limit - open.length - close.length - 2 < limit * LEAST_ROOM;
  if (isTooLong(close)) return undefined;

  const behind = index + marker.length;
  const start = index - prefix.length;
  const [info = ""] = text.slice(behind, behind + limit).split("\n", 1);
  const isOneLine = marker.startsWith("`") && info.includes(marker);
  const isInLine = isOneLine || (!isBlock && !/^[\w+#.-]*\s*$/.test(info));
  const common = { marker, prefix, isBlock, isInLine, start, close };
  const open = close + info.trimEnd();
  if (isTooLong(open) || isOneLine) {
    return { ...common, open: close, head: "", nests: false, contentStart: behind };
  }
  const contentStart = Math.min(behind + info.length + 1, text.length);
  const head = TABLE_HEAD.exec(text.slice(contentStart, contentStart + limit))?.[0] ?? "";
  return {
    ...common,
    open,
    head: isTooLong(open + head) ? "" : head,
    nests: /^\s*(?:md|markdown)\b/i.test(info),
    contentStart,
  };
}

/** The first two lines of a table that `table.ts` wrote. */
const TABLE_HEAD = /^[ >]*\| [^\n]* \|\n[ >]*\| :?-+:?(?: \| :?-+:?)* \|\n/;

/**
 * The marker that closes a fence: one on a line of its own. Models also write it behind code, or
 * before words; that counts if the next marker opens another fence, or if there is no better one.
 */
function closerOf(
  { marker, isInLine, nests }: Opening,
  text: string,
  markers: readonly Marker[],
  from: number,
): Marker | undefined {
  let depth = 0;
  let inner: Marker | undefined;
  let loose: Marker | undefined;
  let first: Marker | undefined;
  let searched = 0;
  for (let at = from; at < markers.length && searched < MOST_MARKERS; at++) {
    const found = markers[at];
    if (!found?.marker.startsWith(marker)) continue;
    searched += 1;
    const { startsLine, endsLine } = found;
    if (isInLine) return startsLine ? undefined : found;
    if (startsLine && endsLine) {
      if (depth === 0) return found;
      depth -= 1;
      inner = found;
    } else if (marker.startsWith("`")) {
      const opensOther = startsLine && /^\S/.test(text.charAt(found.index + found.marker.length));
      if (opensOther && !nests && first) return loose ?? first;
      if (opensOther) depth += nests ? 1 : 0;
      else if (startsLine || endsLine) loose ??= found;
      first ??= found;
    }
  }
  return loose ?? inner ?? first;
}

/** Markers of its kind to search for the end of a fence. It bounds how often a text is read. */
const MOST_MARKERS = 100;

/** The text before a position on its line, at most `most` units of it. */
function lineBefore(text: string, index: number, most: number): string {
  const before = text.slice(Math.max(0, index - most), index);
  return before.slice(before.lastIndexOf("\n") + 1);
}

/** Code with its markers, as its author meant it. */
interface CodeRegion extends TextRange {
  /** Absent for a span between backticks, which is within a line. */
  readonly fence?: CodeFence;
  /** Marks before it that Discord may end in it. */
  readonly brokenBy: readonly string[];
  /** Whether Discord certainly shows it as code. */
  readonly isShown: boolean;
}

/** Reads a text. A fence without an end extends to the end of the text. */
export function readMarkdown(
  text: string,
): { readonly code: readonly CodeRegion[]; readonly marks: readonly Pair[] } {
  const regions: readonly Region[] = [...regionsOf(text)];
  const marks = marksIn(text, regions);
  const code: CodeRegion[] = [];
  const open = new Set<string>(); // all but pairs that surely end
  const endingIn = (part: string) => [...open].filter((mark) => mayEndIn(mark, part));
  let next = 0;
  let last = 0; // end of the last such pair
  for (const region of regions) {
    const { start, end, fence } = region;
    for (let one = marks[next]; one && one.start < start; one = marks[next += 1]) {
      const within = text.slice(one.start + one.mark.length, one.end - one.mark.length);
      const isSure = one.start < one.end && !within.includes("\n") &&
        (one.mark !== "~~" || text.charAt(one.end) !== "_");
      const isCrossed = one.start < last && one.end > last;
      if (!isSure || isCrossed || one.end > start || endingIn(within).length > 0) {
        open.add(one.mark);
      } else last = Math.max(last, one.end);
    }
    const brokenBy = endingIn(text.slice(start, end));
    const isShown = brokenBy.length === 0 && (!fence || isPlain(text, fence));
    if (!isShown) { for (const { mark } of marksIn(text.slice(start, end), [])) open.add(mark); }
    code.push({ ...region, brokenBy, isShown });
  }
  return { code, marks };
}

type Region = Pick<CodeRegion, "start" | "end" | "fence">;

export function codeRegions(text: string): readonly CodeRegion[] {
  return MAY_BE_CODE.test(text) ? readMarkdown(text).code : [];
}

const MAY_BE_CODE = /`|~~~/;

/** The pairs of a text, also of backticks, in the order of their starts. */
export function pairsOf(text: string): readonly Pair[] {
  const { code, marks } = readMarkdown(text);
  const spans = code.filter(({ fence }) => !fence)
    .map(({ start, end }) => ({ start, end, mark: text.startsWith("``", start) ? "``" : "`" }));
  return [...marks.filter(({ start, end }) => start < end), ...spans]
    .sort((one, other) => one.start - other.start);
}

function* regionsOf(text: string): Generator<Region> {
  let from = 0;
  for (const fence of codeFences(text, MAX_CHUNK_LENGTH)) {
    yield* spansOf(text, from, fence.start);
    from = Math.min(fence.end, text.length);
    yield { start: fence.start, end: from, fence };
  }
  yield* spansOf(text, from, text.length);
}

/** An escaped character; a span, which ends at the next run of its length on its line; or other backticks. */
const SPAN = /\\[^0-9A-Za-z\s]|(?<!`)(`{1,2})(?!`).{1,4000}?(?<!`)\1(?!`)|`+/g;

function* spansOf(text: string, from: number, to: number): Generator<Region> {
  for (const { 0: span, 1: ticks, index } of text.slice(from, to).matchAll(SPAN)) {
    if (ticks !== undefined) yield { start: from + index, end: from + index + span.length };
  }
}

/** Discord may end lone backticks at any run that is as short, and three at any three. */
function mayEndIn(mark: string, code: string): boolean {
  if (!mark.startsWith("`")) return code.includes(mark.slice(0, /[*_]/.test(mark) ? 1 : 2));
  return (code.match(/`+/g) ?? []).some(({ length }) =>
    length <= mark.length || mark.length > 2 && length > 2
  );
}

/**
 * Whether Discord shows just this fence as code. It ends a fence at the next three backticks, a quote
 * or a list at the next line without its mark, and a heading with its line.
 */
function isPlain(text: string, fence: CodeFence): boolean {
  const { start, end, marker, prefix, contentStart, contentEnd } = fence;
  const isMarked = marker === "```" && end - contentEnd === 3 &&
    text.indexOf(marker, start + prefix.length + 4) === contentEnd &&
    text.slice(contentStart, contentEnd).trim() !== "";
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  const [, ...lines] = text.slice(start, end).split("\n");
  return isMarked && (lines.length === 0 || !BLOCK_START.test(before)) &&
    lines.every((line) => line.startsWith(prefix) || (line.trim() === "" && !prefix.includes(">")));
}

/** Beginning of a line that is a heading, a quote or an item; not of a quote to the end of the text. */
const BLOCK_START = /(?:^|[*_~|])(?: *>>> )? *(?:-?#{1,3}|>(?!>>)|[-*+]|\d{1,9}[.)])\s/;
