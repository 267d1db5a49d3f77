/**
 * Finds the code fences of a text, as their author meant them (R2a), and the parts that a cut should not
 * break: links, mentions, code and emphasis.
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

const ITEM_MARK = /^((?:> ?)*)([ \t]*)([-*+]|\d{1,9}[.)])[ \t]/;
/** UTF-16 units of a line that tell whether it is an item. */
const ITEM_CHARS = 200;

/**
 * The items above a nested item that begins a chunk, each as `…`. Discord removes the indentation at
 * the start of a message, and so the item's level.
 */
export function itemsAbove(text: string, from: number, most: number): string {
  const first = text.slice(from, from + ITEM_CHARS).replace(/^(?:(?:> ?)+[ \t]*\n)+/, "");
  let level = columnsOf(ITEM_MARK.exec(first)?.[2] ?? "");
  let items = "";
  for (let end = from - 1; level > 0 && end > 0;) {
    const start = text.lastIndexOf("\n", end - 1) + 1;
    const line = text.slice(start, Math.min(end, start + ITEM_CHARS));
    end = start - 1;
    const [, quotes = "", indent = "", mark] = ITEM_MARK.exec(line) ?? [];
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
export function spansNear(
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
function marksIn(text: string, code: readonly TextRange[]): readonly Pair[] {
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
