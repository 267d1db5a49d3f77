/**
 * Finds the best place to end a chunk within a stretch of text.
 *
 * The end of a paragraph is better than the end of a line. A line is better than a sentence, and a
 * sentence better than a word. But a good place near the beginning makes a short message, so the
 * second half is searched first. A short message is acceptable to keep a list item whole that fits
 * into one message. The same applies to links, mentions, code and emphasis, and to a heading with
 * its text. A grapheme is cut only if it alone is too long.
 */

import type { TextRange } from "../../lib/text/edits.ts";
import { type CodeFence, fenceAt } from "./code_fence.ts";
import { graphemeStart, isExtending } from "./graphemes.ts";
import { BREAK, itemEnd, type LineBreak, lineBreaks } from "./line_breaks.ts";
import { type Pair, spanAt, type Spans, spansOf } from "./spans.ts";

/** A stretch of text that is too long for one chunk. */
interface Stretch {
  readonly text: string;
  /** Code fences of the text, in order. */
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
export interface Cut {
  /** Index of the chunk's end. */
  readonly at: number;
  /** Whether a line or only a word ends there. */
  readonly kind: "line" | "word";
}

/** Finds the best cut. Returns a place after `from`, and at most `to`. */
export function findCut(stretch: Stretch): Cut {
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
export function findLineCut(stretch: Stretch): Cut | undefined {
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
  const spans = () => cached ??= spansOf(stretch);
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
