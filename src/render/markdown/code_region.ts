/**
 * Finds text that Discord shows as code: fences, and spans between backticks. Follows the marks around
 * it, too.
 *
 * Code is an example that a model quotes. So tags, tokens and links in it stay unchanged. Bold that
 * begins before a piece of code and ends within it breaks the code: it is no code any more. Discord
 * reads marks in the order in which they begin, each up to the next one of its kind.
 */

import { MAX_CHUNK_LENGTH } from "./chunk.ts";
import { codeFences } from "./code_fence.ts";
import type { TextRange } from "./spans.ts";

/** The code of a text with its markers, in order. A fence without an end extends to the end of the text. */
export function codeRegions(text: string): readonly TextRange[] {
  if (!text.includes("`") && !text.includes("~~~")) return [];
  const regions: TextRange[] = [];
  let from = 0;
  for (const { start, end } of codeFences(text, MAX_CHUNK_LENGTH)) {
    regions.push(...spansOf(text, from, start));
    from = Math.min(end, text.length);
    regions.push({ start, end: from });
  }
  return [...regions, ...spansOf(text, from, text.length)];
}

/** Whether a position is within code. The regions must be in order. */
export function isInCode(regions: readonly TextRange[], position: number): boolean {
  let low = 0;
  let high = regions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((regions[middle]?.end ?? Infinity) <= position) low = middle + 1;
    else high = middle;
  }
  const region = regions[low];
  return region !== undefined && region.start <= position;
}

/**
 * A run of backticks, with the backslashes before it. An odd number of them escapes the first
 * backtick.
 */
const RUN = /(\\*)(`+)/g;

/**
 * Finds spans. A span ends at the next run with the length of its first; without one, there is no
 * span.
 */
function spansOf(text: string, from: number, to: number): readonly TextRange[] {
  const runs = Array.from(
    text.slice(from, to).matchAll(RUN),
    ({ 0: { length }, 1: { length: escapes } = "", index }) => {
      const start = from + index + escapes;
      return { start, end: from + index + length, opensAt: start + escapes % 2 };
    },
  );
  const laterBySize = new Map<number, number[]>();
  for (let place = runs.length - 1; place >= 0; place -= 1) {
    const run = runs[place];
    if (!run) continue;
    const places = laterBySize.get(run.end - run.start);
    if (places) places.push(place);
    else laterBySize.set(run.end - run.start, [place]);
  }
  const spans: TextRange[] = [];
  for (let place = 0; place < runs.length; place += 1) {
    const run = runs[place];
    if (!run || run.opensAt === run.end) continue;
    const later = laterBySize.get(run.end - run.opensAt) ?? [];
    while ((later.at(-1) ?? Infinity) <= place) later.pop();
    const closing = later.at(-1);
    const closer = closing === undefined ? undefined : runs[closing];
    if (closing === undefined || !closer) continue;
    spans.push({ start: run.opensAt, end: closer.end });
    place = closing;
  }
  return spans;
}

const MARK = /\\[^0-9A-Za-z\s]|\*{1,2}|_{1,2}|~~|\|\|/g;

/** Starts at the beginning of a text, without open marks. */
export function createMarks() {
  const open: string[] = [];
  return {
    /** Reads more of the text. */
    read(text: string): void {
      for (const [mark] of text.matchAll(MARK)) {
        if (mark.startsWith("\\")) continue;
        const place = open.lastIndexOf(mark);
        if (place === -1) open.push(mark);
        else open.length = place;
      }
    },
    /** Whether an open mark could end in this text, if Discord reads marks there. */
    mayEndIn: (text: string): boolean => open.some((mark) => text.includes(mark)),
  };
}
