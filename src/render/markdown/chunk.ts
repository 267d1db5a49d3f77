/**
 * Splits a text into messages that Discord accepts.
 *
 * Each chunk can be read on its own. If a code fence is cut, one chunk closes it, and the next
 * opens it again with its language. The same applies to spoilers, emphasis, long code and quotes. Joined, the
 * chunks are the text again, except for these marks and for white space at cuts and ends. Discord
 * would drop that white space anyway.
 *
 * The end of a paragraph is a better cut than the end of a line. A line is better than a sentence,
 * and a sentence better than a word. But a good place near the beginning makes a short message, so
 * the second half is searched first. A short message is acceptable to keep a list item whole that
 * fits into one message, and a link, a mention, code, emphasis, or a heading with its text. A
 * grapheme is cut only if it alone is too long.
 *
 * Discord draws families, flags and skin tones as one character, a grapheme. Chinese, Japanese and
 * Korean characters and emoji take two columns of a fixed-width font, combining marks none. A package
 * with Unicode's table tells which code points are wide.
 *
 * Later words may change the end of a growing text: into a tag that Barnacle removes, a link that it
 * neutralizes, or a table. Barnacle holds such an end back until it is complete (R8).
 */

import { eastAsianWidth } from "get-east-asian-width";
import type { TextRange } from "../../lib/text/edits.ts";
import {
  BLOCK_QUOTE,
  type CodeFence,
  codeFences,
  type Enclosure,
  fenceAt,
  itemsAbove,
  MAX_CHUNK_LENGTH,
  MAX_PREFIX,
  MAX_SUFFIX,
  NOTHING_OPEN,
  openAt,
  type Pair,
  pairsOf,
  quoteAt,
  spanAt,
  type Spans,
  spansNear,
} from "./code_fence.ts";

/** Created on first use: it costs 1.4 MB and a millisecond, and most answers never need it. */
let segmenter: Intl.Segmenter | undefined;

function segment(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

export function* graphemesOf(text: string): Generator<string> {
  for (const { segment: grapheme } of segment(text)) yield grapheme;
}

/**
 * Start of the grapheme around a position.
 *
 * @param from Start of a grapheme at or before the position; the text before it is not read.
 * @returns The position itself if a grapheme starts there, or at the text's end.
 */
export function graphemeStart(text: string, from: number, at: number): number {
  // One unit more tells whether a character ends at `at`; the second tells whether it is a pair.
  const found = segment(text.slice(from, at + 2)).containing(at - from);
  return found ? from + found.index : at;
}

const EXTENDS = /^[\p{M}\u200c\u200d\ufe0e\ufe0f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]/u;

/** Whether the character at a position belongs to the one before it, even to a space. */
export function isExtending(text: string, at: number): boolean {
  return text.charCodeAt(at) >= 0x300 && EXTENDS.test(text.slice(at, at + 2));
}

const ASCII = /^[\x20-\x7e]*$/;

export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemesOf(text)) width += widthOf(grapheme);
  return width;
}

const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Mn}\p{Me}]/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Regional_Indicator}|\ufe0f/u;
/** Selects the text form of a character, which is one column wide. */
const AS_TEXT = "\ufe0e";

function widthOf(grapheme: string): number {
  if (grapheme.includes(AS_TEXT)) return 1;
  for (const character of grapheme) {
    if (INVISIBLE.test(character)) continue;
    if (EMOJI.test(grapheme)) return 2;
    return eastAsianWidth(character.codePointAt(0) ?? 0);
  }
  return 0;
}

/** UTF-16 units to search for the end of a word; a text may have none. */
const LONGEST_WORD = 200;

/**
 * The beginning of an unfinished answer that can be shown.
 *
 * @param limit Maximum UTF-16 units of a message, for `codeFences`.
 */
export function finishedPart(text: string, limit: number): string {
  const words = toEndOfWord(text);
  const fences = codeFences(words, limit);
  if (fenceAt(fences, words.length)) return words; // everything up to the end is code
  const openedFence = FENCE_AT_END.exec(words);
  const isClosing = openedFence && (fences.at(-1)?.end ?? 0) > openedFence.index;
  return withoutTable(
    withoutOpening(openedFence && !isClosing ? words.slice(0, openedFence.index) : words),
  );
}

/** The last white space, or the last punctuation of a script without spaces between words. */
const END_OF_WORD = /[\s、。，！？](?:(?![\s、。，！？]).)*$/s;

function toEndOfWord(text: string): string {
  const from = Math.max(0, text.length - LONGEST_WORD);
  const end = text.slice(from).search(END_OF_WORD);
  if (end !== -1) return text.slice(0, from + end + 1);
  return from === 0 ? "" : text.replace(/[\ud800-\udbff]$/, "");
}

const FENCE_AT_END = /(?:^|\n)[ \t>]*(?:`{3,}|~{3,})[^\n]*\s*$/;

/** Parts that the last line may have opened and not closed yet: tags, links, mentions, markers. */
const OPENINGS = [
  /\[\[(?:(?!\]\]).)*$/,
  /!?\[[^[\]]*$/,
  /!?\[[^[\]]*\]\([^()]*$/,
  /<(?=[^\s<>])[^<>]*$/,
];

function withoutOpening(text: string): string {
  const lineStart = text.lastIndexOf("\n") + 1;
  const line = text.slice(lineStart);
  const starts = OPENINGS.map((opening) => line.search(opening)).filter((start) => start !== -1);
  const isCode = (line.match(/`/g)?.length ?? 0) % 2 === 1;
  const end = Math.min(line.length, ...starts, isCode ? line.lastIndexOf("`") : Infinity);
  return text.slice(0, lineStart + end);
}

/** Removes the lines of a table at the end. Only a line after a table ends it. */
function withoutTable(text: string): string {
  let end = text.length;
  for (let lineEnd = text.endsWith("\n") ? end - 1 : end; lineEnd > 0;) {
    const lineStart = text.lastIndexOf("\n", lineEnd - 1) + 1;
    if (!text.slice(lineStart, lineEnd).includes("|")) break;
    end = lineStart;
    lineEnd = lineStart - 1;
  }
  return text.slice(0, end);
}

/** Marked thinking at the beginning of an answer. */
const THINKING = /^\s*<(?:think|thinking|reasoning|thought)>/i;

/** The end of thinking, on a line of its own. */
const END_OF_THINKING = /^[ \t]*<\/(?:think|thinking|reasoning|thought)>[ \t]*$/im;

/**
 * How an answer marks the model's thinking: from its beginning, only its end, or not at all.
 *
 * Some servers write the start mark for the model. Then its first words look like an answer until
 * the end mark arrives.
 */
export function thinkingIn(text: string): "marked" | "ended" | "none" {
  if (THINKING.test(text)) return "marked";
  return END_OF_THINKING.test(text) ? "ended" : "none";
}

/** Cost of a break. Numbers between two of these express the depth in a list. */
const BREAK = { paragraph: 0, line: 1, nested: 2, inside: 3, heading: 4 } as const;

/** The end of a line, as a place to end a message. */
interface LineBreak {
  /** Position of the newline; of several in a row, the first. */
  readonly at: number;
  /** One of `BREAK`, or a number between two. */
  readonly cost: number;
}

/**
 * Rates the line ends of a stretch.
 *
 * @param stretch `to`: last position of a newline that counts. `fence`: the only one that may be cut.
 * @returns Breaks in order, without those that would break a fence; the break before the list item around
 * the stretch's end, if the item begins in the stretch; and headings, which must stay whole.
 */
export function lineBreaks(
  { text, fences, from, to, fence }: {
    readonly text: string;
    readonly fences: readonly CodeFence[];
    readonly from: number;
    readonly to: number;
    readonly fence: CodeFence | undefined;
  },
): {
  readonly breaks: readonly LineBreak[];
  readonly item: LineBreak | undefined;
  readonly headings: readonly TextRange[];
} {
  const window = text.slice(from, to + 1);
  const breaks: LineBreak[] = [];
  const headings: TextRange[] = [];
  const all = () => ({ breaks, item, headings });
  const readLine = (start: number): QuotedLine => {
    const read = quotedLineAt(text, start);
    if (read.isHeading) headings.push({ start, end: start + read.length });
    return read;
  };
  let line = readLine(from);
  let isInList = line.isItem || line.indent > 0;
  let item: LineBreak | undefined;
  /** End of the last fence that ended in this line; -1 if there is none. */
  let fenceEnd = -1;
  for (let searched = from;;) {
    const place = window.indexOf("\n", searched - from);
    if (place === -1) return all();
    const at = from + place;
    const inside = fenceAt(fences, at);
    if (inside && inside !== fence) {
      searched = fenceEnd = inside.end;
      if (searched > to) return all();
      continue;
    }
    if (inside) {
      searched = at + 1;
      if (at > inside.contentStart) breaks.push({ at, cost: BREAK.line });
      continue;
    }
    const next = skipBlankLines(text, at);
    searched = next;
    const above = line;
    line = readLine(next);
    const isBeforeFence = fenceAt(fences, next + 1)?.start === next;
    const isAfterFence = fenceEnd !== -1 && text.slice(fenceEnd, at).trim() === "";
    const endsParagraph = next > at + 1 || isBeforeFence || isAfterFence;
    fenceEnd = -1;

    const isLeadIn = (line.isItem || isBeforeFence) && text.charAt(at - 1) === ":";
    const lineBreak = { at, cost: costOf(above, line, isInList, isLeadIn, endsParagraph) };
    breaks.push(lineBreak);
    if (line.isItem) {
      isInList = true;
      item = lineBreak.cost < BREAK.inside ? lineBreak : undefined;
    } else if (line.indent === 0) {
      isInList = false;
      item = undefined;
    }
  }
}

function costOf(
  above: QuotedLine,
  below: QuotedLine,
  isInList: boolean,
  isLeadIn: boolean,
  endsParagraph: boolean,
): number {
  if (above.isHeading) return BREAK.heading;
  if (isInList && below.indent > 0) {
    return below.isItem ? BREAK.nested + Math.min(below.indent, 9) / 10 : BREAK.inside;
  }
  if (isLeadIn) return BREAK.nested;
  return endsParagraph ? BREAK.paragraph : BREAK.line;
}

interface QuotedLine {
  /** Indentation after quote marks. */
  readonly indent: number;
  readonly isItem: boolean;
  readonly isHeading: boolean;
  /** UTF-16 units of the line; less for a very long one. */
  readonly length: number;
}

/** Quote marks, indentation, and the mark of a list item or of a heading. */
const LINE_START =
  /^(?:> ?)*([^\S\n]*)(?:([-*+]|\d{1,9}[.)])(?=[^\S\n])|(#{1,3}(?=[^\S\n])|\*\*[^*]+\*\*:?\s*$))?/;

/** Maximum UTF-16 units of a heading; a longer line is text. */
const LONGEST_HEADING = 300;

function quotedLineAt(text: string, start: number): QuotedLine {
  const near = text.slice(start, start + LONGEST_HEADING);
  const end = near.indexOf("\n");
  const part = end === -1 ? near : near.slice(0, end);
  const [, indent = "", marker, heading] = LINE_START.exec(part) ?? [];
  return {
    indent: indent.length,
    isItem: marker !== undefined,
    isHeading: heading !== undefined,
    length: part.length,
  };
}

const WHITE = /\s*/y;

/** Skips the rest of a line if it is blank, and the empty lines after it. Keeps indentation. */
export function skipBlankLines(text: string, at: number): number {
  WHITE.lastIndex = at;
  const end = at + (WHITE.exec(text)?.[0].length ?? 0);
  return at + text.slice(at, end).lastIndexOf("\n") + 1;
}

/** Lines that continue a list item: indented lines, except items in it. */
const ITEM_REST = /(?:\n(?:[^\S\n]*\n)*(?:> ?)*[^\S\n]+(?!\s|(?:[-*+]|\d{1,9}[.)])\s)[^\n]*)*/y;

/**
 * End of a list item's last line, without the items in it.
 *
 * @param most Maximum number of UTF-16 units to read.
 */
export function itemEnd(text: string, start: number, most: number): number {
  const part = text.slice(start, start + most);
  const firstEnd = part.indexOf("\n");
  if (firstEnd === -1) return start + part.length;
  ITEM_REST.lastIndex = firstEnd;
  return start + firstEnd + (ITEM_REST.exec(part)?.[0].length ?? 0);
}

/** A stretch of text that is too long for one chunk. */
interface Stretch {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  /** Index at which the chunk begins. */
  readonly from: number;
  /** Last possible end of the chunk. */
  readonly to: number;
  /** The fence around `to`, if the chunk has room to close it. */
  readonly fence: CodeFence | undefined;
  /** Maximum UTF-16 units of a piece that should stay whole. */
  readonly longest: number;
  /** Maximum lines of such a piece. */
  readonly mostLines: number;
  readonly pairs: readonly Pair[];
}

/** The end of a chunk. In code, the following white space stays, except for a line's end. */
interface Cut {
  readonly at: number;
  /** Whether a line or only a word ends there. */
  readonly kind: "line" | "word";
}

/** Finds the best cut. Returns a place after `from`, and at most `to`. */
function findCut(stretch: Stretch): Cut {
  const { to } = stretch;
  const { least, half, codeFrom, late, early, item, headings, spans, line } = candidatesOf(stretch);
  const word = (least: number, most: number, isStrict: boolean): Cut | undefined => {
    const at = wordCut(stretch, { codeFrom, headings, spans: spans() }, least, most, isStrict);
    return at === undefined ? undefined : { at, kind: "word" };
  };
  return line(late, BREAK.inside) ??
    (item && itemFits(stretch, item) ? line([item], BREAK.inside) : undefined) ??
    line(late, BREAK.heading) ??
    word(half, to, true) ??
    line(early, BREAK.heading) ??
    word(least, half - 1, true) ??
    asLine(bestOf(late, BREAK.heading)) ??
    word(least, to, false) ??
    asLine(bestOf([...early, ...late], Infinity)) ??
    { at: graphemeCut(stretch, { codeFrom, spans: spans() }, least), kind: "word" };
}

/**
 * Finds the best end of a line, for a chunk that could also end at `to`. Returns `undefined` if
 * each would break something.
 */
function findLineCut(stretch: Stretch): Cut | undefined {
  const { late, early, line } = candidatesOf(stretch);
  return line(late, BREAK.inside) ?? line(early, BREAK.inside);
}

/** Possible cuts of a stretch, and the parts that should stay whole. */
interface Candidates {
  /** First place that leaves visible text before it. */
  readonly least: number;
  readonly half: number;
  /** First visible code of the fence around the stretch's end. */
  readonly codeFrom: number;
  /** Line breaks of the second half, and of the first. */
  readonly late: readonly LineBreak[];
  readonly early: readonly LineBreak[];
  /** Line break before the list item around the stretch's end. */
  readonly item: LineBreak | undefined;
  readonly headings: readonly TextRange[];
  readonly spans: () => Spans;
  /** The best of some line breaks that cost less than `below` and keep emphasis whole. */
  readonly line: (some: readonly LineBreak[], below: number) => Cut | undefined;
}

function candidatesOf(stretch: Stretch): Candidates {
  const { text, from, to } = stretch;
  const least = from + text.slice(from, to).search(/\S|$/) + 1;
  const half = Math.max(least, from + Math.ceil((to - from) / 2));
  const { breaks, item, headings } = lineBreaks(stretch);
  const codeFrom = codeFromOf(stretch);
  const isAllowed = ({ at }: LineBreak) => at >= least && mayCutAt(stretch, codeFrom, at);
  const allowed = breaks.filter(isAllowed);
  let cached: Spans | undefined;
  const spans = () => cached ??= spansNear(stretch);
  return {
    least,
    half,
    codeFrom,
    late: allowed.filter(({ at }) => at >= half),
    early: allowed.filter(({ at }) => at < half),
    item: item && isAllowed(item) ? item : undefined,
    headings,
    spans,
    line: (some, below) => {
      const best = bestOf(some, below);
      if (best === undefined || !spanAt(spans().soft, best)) return asLine(best);
      return asLine(bestOf(some.filter(({ at }) => !spanAt(spans().soft, at)), below));
    },
  };
}

function asLine(at: number | undefined): Cut | undefined {
  return at === undefined ? undefined : { at, kind: "line" };
}

/** The last of the cheapest line breaks. */
function bestOf(breaks: readonly LineBreak[], below: number): number | undefined {
  let best: LineBreak | undefined;
  for (const candidate of breaks) {
    if (candidate.cost < below && candidate.cost <= (best?.cost ?? Infinity)) best = candidate;
  }
  return best?.at;
}

/** Whether the list item after a line break fits into one message. */
function itemFits({ text, longest, mostLines }: Stretch, { at }: LineBreak): boolean {
  const end = itemEnd(text, at + 1, longest + 1);
  return end - at - 1 <= longest && text.slice(at + 1, end).split("\n").length <= mostLines;
}

/** Whether a cut leaves each fence whole, or in two pieces that can be closed and opened. */
function mayCutAt({ fences, fence }: Stretch, codeFrom: number, at: number): boolean {
  const inside = fenceAt(fences, at);
  return inside === undefined || (inside === fence && at > codeFrom);
}

/** Index of the first visible code of the fence around the stretch's end. */
function codeFromOf({ text, from, to, fence }: Stretch): number {
  if (!fence) return Infinity;
  const start = Math.max(from, fence.contentStart + fence.head.length);
  const place = text.slice(start, to).search(/\S/);
  return place === -1 ? Infinity : start + place;
}

/**
 * The last end of a sentence between two places; without one, the last end of a word.
 *
 * @param isStrict Whether emphasis and headings must stay whole. Then no line may begin with text
 * that Discord would take for the mark of a list, a quote or a heading.
 */
function wordCut(
  stretch: Stretch,
  { codeFrom, headings, spans }: Pick<Candidates, "codeFrom" | "headings"> & {
    readonly spans: Spans;
  },
  least: number,
  most: number,
  isStrict: boolean,
): number | undefined {
  const { text, fence } = stretch;
  let word: number | undefined;
  for (let at = most; at >= least; at -= 1) {
    const isSpace = isBreakingSpace(text.charCodeAt(at));
    if (!isSpace && !isWideStop(text.charCodeAt(at - 1))) continue;
    if (!mayCutAt(stretch, codeFrom, at) || spanAt(spans.whole, at) || spanAt(spans.strict, at)) {
      continue;
    }
    if (isExtending(text, isSpace ? at + 1 : at)) continue;
    if (fence && at > fence.contentStart) return isSpace && at < stretch.to ? at + 1 : at;
    if (isStrict && (spanAt(spans.soft, at) || spanAt(headings, at) || isMarkAfter(text, at))) {
      continue;
    }
    if (endsSentence(text, at)) return at;
    word ??= at;
  }
  return word;
}

/**
 * Whether a character is white space that a cut may drop. A no-break space is not. Line ends are
 * handled elsewhere, and there is none after the text.
 */
function isBreakingSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || unit === 0x09 || (unit >= 0x0b && unit <= 0x0d);
  return unit >= 0x1680 && /[^\S\u2007\u202f]/.test(String.fromCharCode(unit));
}

/** `。`, `、`, `！`, `，`, `：`, `；`, `？`: a word ends there, and no space follows. */
function isWideStop(unit: number): boolean {
  return unit === 0x3002 || unit === 0x3001 || unit === 0xff01 || unit === 0xff0c ||
    unit === 0xff1a || unit === 0xff1b || unit === 0xff1f;
}

/** A digit before the stop rather means a number: "1. First". */
const SENTENCE_END = /(?:[。！？]|[^\s\d.!?…][.!?…]+["'”’»)\]*_]*)$/;

function endsSentence(text: string, at: number): boolean {
  return SENTENCE_END.test(text.slice(Math.max(0, at - 12), at));
}

/**
 * The end of the line, which has its own check, or text that would be a mark at the beginning of a
 * line.
 */
const MARK_AFTER = /^[^\S\n]*(?:\n|(?:[-*+]|\d{1,9}[.)]|#{1,3}|-#|>{1,3})[^\S\n]|`{3}|~{3})/;

function isMarkAfter(text: string, at: number): boolean {
  return MARK_AFTER.test(text.slice(at, at + 20));
}

/** The last end of a grapheme, before a span or a mark that the cut would break. */
function graphemeCut(
  stretch: Stretch,
  { codeFrom, spans }: Pick<Candidates, "codeFrom"> & { readonly spans: Spans },
  least: number,
): number {
  const { text, from, to } = stretch;
  let most = to;
  for (const kind of [spans.whole, spans.strict]) {
    const span = spanAt(kind, most);
    if (span && span.start >= least) most = span.start;
  }
  const start = graphemeStart(text, from, markStart(text, most));
  if (start >= least && mayCutAt(stretch, codeFrom, start)) return start;
  const isPair = /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(to - 1, to + 1));
  return isPair && to - 1 > from ? to - 1 : to;
}

const MARK_BEFORE = /(?:\\|\*{1,2}|_{1,2}|~|\|)$/;

/**
 * Start of a mark that a cut would break: a mark of emphasis, or a backslash with the escaped
 * character.
 */
function markStart(text: string, at: number): number {
  const before = text.slice(Math.max(0, at - 2), at);
  const mark = MARK_BEFORE.exec(before)?.[0];
  return mark && (mark === "\\" || text.startsWith(mark.charAt(0), at)) ? at - mark.length : at;
}

interface MarkdownSource {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  /** Maximum UTF-16 units of a chunk. */
  readonly limit: number;
  /** Maximum lines of a chunk. */
  readonly maxLines: number;
  /** Whether chunks have room to repeat open marks, apart from fences. */
  readonly repeatsMarks: boolean;
  /** Pairs of marks of the text; computed on first use. */
  readonly pairs: () => readonly Pair[];
  /** Index of the quote that extends to the end of the text; infinite if there is none. */
  readonly blockQuoteAt: number;
}

interface Piece {
  /** Text of the chunk; empty if it would show nothing. */
  readonly content: string;
  /** Index at which the next piece begins. */
  readonly next: number;
  /** Marks that are open there, apart from a fence. */
  readonly open: Enclosure;
}

const START: Piece = { content: "", next: 0, open: NOTHING_OPEN };

/**
 * Takes the next piece.
 *
 * @param from Its beginning; not before the end of the last piece.
 * @param end Its last possible end.
 * @param before Marks that are open at `from`.
 */
function pieceFrom(source: MarkdownSource, from: number, end: number, before: Enclosure): Piece {
  const piece = tryPiece(source, from, end, before, 0);
  return piece.content.length <= source.limit
    ? piece
    : tryPiece(source, from, end, before, MAX_SUFFIX);
}

/** @param reserve Room for marks after the piece. */
function tryPiece(
  source: MarkdownSource,
  from: number,
  end: number,
  before: Enclosure,
  reserve: number,
): Piece {
  const { text, fences, limit, blockQuoteAt } = source;
  const within = fenceAt(fences, from);
  const resumed = within && from >= within.contentStart ? within : undefined;
  const marks = before.marks.join("");
  const prefix = (from > blockQuoteAt ? BLOCK_QUOTE : "") +
    (resumed ? `${marks}${resumed.open}\n${resumed.head}${before.quote}` : before.quote + marks +
      (source.repeatsMarks && from > 0 ? itemsAbove(text, from, limit / 4) : ""));
  const room = limit - prefix.length - reserve;
  const { to, fence } = reachOf(source, from, end, room, prefix.split("\n").length - 1);
  // An empty line of code, if there is room for one.
  if (to === from) return { content: "", next: from + 1, open: before };

  const longest = fence ? limit - fence.open.length - fence.close.length - 2 : limit;
  const pairs = to === end ? [] : source.pairs();
  const stretch = { text, fences, from, to, fence, longest, mostLines: source.maxLines, pairs };
  const cut = to === end
    ? lineAt(to)
    : to === fence?.start
    ? findLineCut(stretch) ?? lineAt(to)
    : findCut(stretch);

  const mayBeOpen = source.repeatsMarks && cut.at < text.length;
  const opened = openAt(text, mayBeOpen ? source.pairs() : [], cut.at);
  const isEmptied = text.slice(from, opened.end).trim() === "";
  const at = isEmptied ? cut.at : opened.end;
  const broken = fenceAt(fences, at);
  const body = text.slice(from, at);
  const after = broken ? nextInFence(text, broken, at, cut.kind) : nextOutside(text, at, cut.kind);
  // If only the opening of a fence fits, the next piece opens it.
  const hasOnlyOpening = broken && broken.start >= from && after < broken.contentEnd &&
    text.slice(broken.contentStart, at).trim() === "" &&
    text.slice(from, broken.start).trim() === "";
  if (hasOnlyOpening || body.trim() === "") return { content: "", next: after, open: before };
  const next = opened.next > cut.at ? nextOutside(text, opened.next, "word") : after;
  const isInLine = cut.kind === "word" && !text.slice(at, next).includes("\n");
  const quote = isInLine && source.repeatsMarks ? quoteAt(text, from, at, before.quote) : "";
  const closed = broken ? `${body.replace(/\r?\n?$/, "")}\n${broken.close}` : body.trimEnd();
  const closing = opened.closing.toReversed().join("");
  return { content: prefix + closed + closing, next, open: { marks: opened.opening, quote } };
}

const lineAt = (at: number): Cut => ({ at, kind: "line" });

/**
 * Last possible end of a chunk, and the fence that it would have to close there.
 *
 * If only the opening of a fence fits, the fence goes to the next chunk.
 */
function reachOf(
  source: MarkdownSource,
  from: number,
  end: number,
  room: number,
  linesBefore: number,
): { readonly to: number; readonly fence: CodeFence | undefined } {
  const { text, fences, maxLines } = source;
  // A fence that begins or continues here has at least one line of its own, between two with
  // markers.
  const least = fenceAt(fences, from + 1) ? 2 + Math.max(linesBefore, 1) : linesBefore + 1;
  const lines = Math.max(maxLines, least) - linesBefore;
  let to = endOf(text, from, Math.min(end, from + room), lines);
  let fence: CodeFence | undefined;
  for (let next = fenceAt(fences, to); next && next !== fence;) {
    fence = next;
    const most = Math.min(to, from + room - fence.close.length - 1);
    to = endOf(text, from, most, lines - 1);
    next = fenceAt(fences, to);
  }
  if (!fence) return { to, fence };
  if (fence.start > from && text.slice(fence.contentStart + fence.head.length, to).trim() === "") {
    return { to: fence.start, fence };
  }
  return { to: Math.min(to, fence.contentEnd), fence };
}

/** End of this number of lines, but at most `to`. */
function endOf(text: string, from: number, to: number, lines: number): number {
  if (lines < 1) return from;
  // The search covers the window only. A search through the whole rest would cost more with each
  // character of the text.
  const window = text.slice(from, to);
  let newline = -1;
  for (let line = 0; line < lines; line += 1) {
    newline = window.indexOf("\n", newline + 1);
    if (newline === -1) return to;
  }
  return from + newline;
}

/**
 * Start of the next piece in code, where white space counts. Only the line end at the cut is
 * dropped.
 */
function nextInFence(text: string, fence: CodeFence, at: number, kind: Cut["kind"]): number {
  const next = kind === "line" ? at + 1 : at;
  const isAllThere = fence.contentEnd - next < 2_000 &&
    text.slice(next, fence.contentEnd).trim() === "";
  if (!isAllThere) return next;
  return fence.end === Infinity ? text.length : skipBlankLines(text, fence.end);
}

/** Skips white space. Keeps the indentation of another line. */
function nextOutside(text: string, at: number, kind: Cut["kind"]): number {
  const line = skipBlankLines(text, at);
  if (kind === "line" || line > at) return line;
  WHITE.lastIndex = at;
  return at + (WHITE.exec(text)?.[0].length ?? 0);
}

export interface ChunkRules {
  /**
   * `textChunkLimit`: maximum UTF-16 units of a chunk, 2 to 2000. The config takes no less than 100:
   * below 16, a fence that is cut stays open, and below 60, a spoiler does.
   */
  readonly limit: number;
  /** `maxLinesPerMessage`: maximum lines of a chunk, from 1. A fence that is cut may need three. */
  readonly maxLines: number;
  /**
   * `chunkMode`. `length`: as much text per chunk as fits. `newline`: one chunk per paragraph; a
   * fence with blank lines is one paragraph.
   */
  readonly mode: "length" | "newline";
  /** `messages.maxChunks`: if `newline` needs more chunks, paragraphs share chunks. */
  readonly maxChunks: number;
}

/** One message, which may use all the room that Discord gives it. */
export const ONE_MESSAGE: ChunkRules = {
  limit: MAX_CHUNK_LENGTH,
  maxLines: MAX_CHUNK_LENGTH,
  mode: "length",
  maxChunks: 1,
};

/**
 * Splits a text (R1, R2).
 *
 * @param most Maximum number of chunks to return; the text after them is not split. One more than
 * allowed tells whether there are too many.
 * @returns Chunks in order, none of them blank; an empty list for a blank text.
 * @throws {RangeError} If `limit` is not a whole number from 2 to 2000, or `maxLines` not a
 * positive one.
 */
export function chunk(text: string, rules: ChunkRules, most = Infinity): readonly string[] {
  const { limit, maxLines, mode, maxChunks } = rules;
  if (!Number.isInteger(limit) || limit < 2 || limit > MAX_CHUNK_LENGTH) {
    throw new RangeError(
      `Cannot cut chunks of ${limit}: use a whole number from 2 to ${MAX_CHUNK_LENGTH}`,
    );
  }
  if (!Number.isInteger(maxLines) || maxLines < 1) {
    throw new RangeError(`Cannot cut chunks of ${maxLines} lines: use a whole number from 1`);
  }
  const trimmed = text.trimEnd();
  if (trimmed.length <= limit && IS_PLAIN_LINE.test(trimmed)) return most < 1 ? [] : [trimmed];
  const source = sourceOf(trimmed, limit, maxLines);
  if (mode === "newline") {
    const chunks = cutChunks(source, paragraphsOf(source), maxChunks + 1);
    if (chunks.length <= maxChunks) return chunks.slice(0, most);
  }
  return cutChunks(source, [{ start: 0, end: source.text.length }], most);
}

/** A line without any mark that a cut would have to repeat: most short answers. */
const IS_PLAIN_LINE = /^[^\s`~|>][^\n\r\u2028\u2029`~|>]*$/;

/** Minimum chunk length to repeat marks; with less, they would leave too little room for text. */
const MIN_LIMIT_FOR_MARKS = 3 * MAX_PREFIX;

function sourceOf(text: string, limit: number, maxLines: number): MarkdownSource {
  const repeatsMarks = limit >= MIN_LIMIT_FOR_MARKS;
  const hasMarks = repeatsMarks && /[*_~|]|> /.test(text);
  const fences = codeFences(text, hasMarks ? limit - MAX_PREFIX : limit);
  let pairs: readonly Pair[] | undefined; // most texts are not cut within a line
  return {
    text,
    fences,
    limit,
    maxLines,
    repeatsMarks,
    pairs: () => pairs ??= pairsOf(text),
    blockQuoteAt: repeatsMarks ? blockQuoteAt(text, fences) : Infinity,
  };
}

/** Index of the quote that extends to the end of the text; infinite if there is none. */
function blockQuoteAt(text: string, fences: MarkdownSource["fences"]): number {
  for (let at = text.indexOf(BLOCK_QUOTE); at !== -1; at = text.indexOf(BLOCK_QUOTE, at + 1)) {
    const isLineStart = at === 0 || text.charAt(at - 1) === "\n";
    if (isLineStart && !fenceAt(fences, at)) return at;
  }
  return Infinity;
}

/** The parts between blank lines. Blank lines in a fence do not count. */
function* paragraphsOf({ text, fences }: MarkdownSource): Generator<TextRange> {
  let start = 0;
  for (const { 0: gap, index } of text.matchAll(/\n(?:[^\S\n]*\n)+/g)) {
    if (fenceAt(fences, index)) continue;
    yield { start, end: index };
    start = index + gap.length;
  }
  yield { start, end: text.length };
}

function cutChunks(
  source: MarkdownSource,
  paragraphs: Iterable<TextRange>,
  most: number,
): readonly string[] {
  const chunks: string[] = [];
  let piece: Piece = START;
  for (const { start, end } of paragraphs) {
    const first = Math.max(piece.next, skipBlankLines(source.text, start));
    for (let at = first; at < end; at = piece.next) {
      if (chunks.length >= most) return chunks;
      piece = pieceFrom(source, at, end, piece.open);
      if (piece.next <= at) throw new Error(`Cannot cut a text of ${source.text.length} at ${at}`);
      if (piece.content !== "") chunks.push(piece.content);
    }
  }
  return chunks;
}
