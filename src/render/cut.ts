/**
 * Finds the best place to end a chunk within a stretch of text.
 *
 * Between paragraphs is better than between lines, that better than between
 * sentences, and that better than between words; but a good place near the
 * beginning makes a short message, so the second half is searched first. A
 * link, a mention or a code span is cut only where nothing else is possible,
 * and a character as people see it only where it alone is too long.
 *
 * @module
 */

import { type CodeFence, fenceAt, lastBefore } from "./code_fence.ts";

/** A stretch of text that is too long for one chunk. */
export interface Stretch {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  readonly from: number;
  /** The furthest that the chunk may end. */
  readonly to: number;
  /** The fence that `to` lies in, if the chunk has room to close it. */
  readonly fence: CodeFence | undefined;
  /** The longest that is worth keeping in one piece, in UTF-16 units. */
  readonly longest: number;
}

/** Where a chunk ends, and what it is followed by: of white space only a line's end is dropped in code. */
export interface Cut {
  readonly at: number;
  readonly kind: "line" | "word";
}

/** @returns A place behind `from`, and not behind `to`. */
export function findCut(stretch: Stretch): Cut {
  const { text, from, to } = stretch;
  const least = from + text.slice(from, to).search(/\S|$/) + 1;
  const half = Math.max(least, from + Math.ceil((to - from) / 2));

  const late = lineCut(stretch, half, to);
  if (late !== undefined) return { at: late, kind: "line" };
  const spans = spansOf(stretch);
  const word = wordCut(stretch, spans, half, to);
  if (word !== undefined) return { at: word, kind: "word" };
  const early = lineCut(stretch, least, half - 1);
  if (early !== undefined) return { at: early, kind: "line" };
  return {
    at: wordCut(stretch, spans, least, half - 1) ?? graphemeCut(stretch, spans, least),
    kind: "word",
  };
}

/** The last end of a paragraph between two places, else of a line. */
function lineCut(stretch: Stretch, least: number, most: number): number | undefined {
  // Searched in the window only: a search through all that came before would cost the more the
  // longer the text is.
  const window = stretch.text.slice(least, most + 1);
  let line: number | undefined;
  for (let place = window.lastIndexOf("\n"); place !== -1;) {
    const newline = least + place;
    place = place === 0 ? -1 : window.lastIndexOf("\n", place - 1);
    if (!isOpenTo(stretch, newline)) continue;
    if (endsParagraph(stretch, newline)) return newline;
    line ??= newline;
  }
  return line;
}

/** Whether a cut leaves each fence whole, or in two pieces that can be closed and opened. */
function isOpenTo({ text, fences, from, fence }: Stretch, at: number): boolean {
  const inside = fenceAt(fences, at);
  if (!inside) return true;
  if (inside !== fence || at < fence.contentStart) return false;
  return text.slice(Math.max(from, fence.contentStart), at).trim() !== "";
}

const BLANK_LINE = /\n[^\S\n]*(?:\n|$)/y;

function endsParagraph({ text, fences }: Stretch, newline: number): boolean {
  if (fenceAt(fences, newline)) return false;
  BLANK_LINE.lastIndex = newline;
  if (BLANK_LINE.test(text)) return true;
  if (lastBefore(fences, newline + 2)?.start === newline + 1) return true;
  const before = lastBefore(fences, newline);
  return before !== undefined && newline - before.end < 100 &&
    /^[^\S\n]*$/.test(text.slice(before.end, newline));
}

/** The last end of a sentence between two places, else of a word. */
function wordCut(
  stretch: Stretch,
  spans: Spans,
  least: number,
  most: number,
): number | undefined {
  const { text, fence } = stretch;
  let word: number | undefined;
  for (let at = most; at >= least; at -= 1) {
    const isSpace = isBreakingSpace(text.charCodeAt(at));
    if (!isSpace && !isWideStop(text.charCodeAt(at - 1))) continue;
    if (!isOpenTo(stretch, at) || spanAt(spans.all, at) || spanAt(spans.strict, at)) continue;
    if (fence && at > fence.contentStart) return isSpace && at < stretch.to ? at + 1 : at;
    if (endsSentence(text, at)) return at;
    if (isSpace) word ??= at;
  }
  return word;
}

/** White space that may be lost; a no-break space says that it may not. Behind the text there is none. */
function isBreakingSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  return unit >= 0x1680 && /[^\S\u2007\u202f]/.test(String.fromCharCode(unit));
}

/** `。`, `！`, `？`: they end a sentence, and no space follows. */
function isWideStop(unit: number): boolean {
  return unit === 0x3002 || unit === 0xff01 || unit === 0xff1f;
}

/** A digit before the stop is rather a number: "1. First". */
function endsSentence(text: string, at: number): boolean {
  return isWideStop(text.charCodeAt(at - 1)) ||
    /[^\s\d.!?…][.!?…]+["'”’»)\]*_]*$/.test(text.slice(Math.max(0, at - 12), at));
}

/** The last end of a character as people see it, before a span that would be broken. */
function graphemeCut(stretch: Stretch, spans: Spans, least: number): number {
  const { text, from, to } = stretch;
  const span = spanAt(spans.strict, to);
  const most = span && span.start >= least ? span.start : to;

  // One unit more tells whether a character ends at `most`; the second, whether that is a pair.
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  const cluster = graphemes.segment(text.slice(from, most + 2)).containing(most - from);
  const start = cluster ? from + cluster.index : most;
  if (start >= least) return start;
  const isPair = /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(most - 1, most + 1));
  return isPair && most - 1 > from ? most - 1 : most;
}

/** Made when it is first needed: it costs more than all else here. */
let graphemes: Intl.Segmenter | undefined;

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Spans {
  /** Links and mentions: broken, they no longer work. */
  readonly strict: readonly Span[];
  /** Those that stand alone, links with their words, and code spans: broken, they look bad. */
  readonly all: readonly Span[];
}

const STRICT =
  /<?https?:\/\/[^\s<>]+>?|<(?:@[!&]?|#)\d+>|<a?:\w+:\d+>|<t:-?\d+(?::\w)?>|<\/[^<>:\n]+:\d+>|<id:\w+>/g;
// Each begins with what it may not contain, so that no text makes it look at the same words twice.
const ALL = new RegExp(
  `\\[[^[\\]\\n]*\\]\\([^()\\n]*\\)|(\`{1,2})[^\`\\n]+\\1(?!\`)|${STRICT.source}`,
  "g",
);

/** One of these is in every span; most texts have none. */
const SIGNS = ["<", "http", "](", "`"];

/** The spans that begin in a stretch; none is longer than a line. */
function spansOf({ text, from, to, longest }: Stretch): Spans {
  const [rest = ""] = text.slice(to, to + longest).split("\n", 1);
  const searched = text.slice(from, to) + rest;
  if (!SIGNS.some((sign) => searched.includes(sign))) return { strict: [], all: [] };
  const find = (pattern: RegExp): readonly Span[] =>
    Array.from(searched.matchAll(pattern), ({ 0: { length }, index }) => ({
      start: from + index,
      end: from + index + length,
    })).filter(({ start, end }) => end - start <= longest);
  return { strict: find(STRICT), all: find(ALL) };
}

/** The span that a place lies within; they are in order and do not overlap. */
function spanAt(spans: readonly Span[], at: number): Span | undefined {
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
