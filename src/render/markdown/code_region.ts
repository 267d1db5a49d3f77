/**
 * Reads the code and the marks of a text. The cut, the links' filter and the renderer share it (R2a).
 *
 * Code is an example that a model quotes. So tags, tokens and links in it stay unchanged. But Discord
 * reads marks in the order in which they begin, each up to the next one of its kind. A mark before
 * code that ends within it, or a lone backtick, breaks the code: it is no code any more. Only code
 * that Discord shows in each reading counts as shown.
 */

import type { TextRange } from "../../lib/text/edits.ts";
import { type CodeFence, codeFences, MAX_CHUNK_LENGTH } from "./code_fence.ts";
import { marksIn, type Pair } from "./spans.ts";

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
