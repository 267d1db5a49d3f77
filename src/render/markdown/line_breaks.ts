/**
 * Judges the ends of lines: which is a good place to end a message.
 *
 * A list item, a nested list, and a heading with what it is about read badly in
 * two messages, so the ends of lines within them come after all others. Whether
 * a line goes on with an item is told by the lines before it, so one walk over
 * a stretch judges all of its lines.
 *
 * @module
 */

import { type CodeFence, fenceAt } from "./code_fence.ts";
import type { Span } from "./spans.ts";

/** What a break costs; between two of these numbers lies depth in a list. */
export const BREAK = { paragraph: 0, line: 1, nested: 2, inside: 3, heading: 4 } as const;

/** The end of a line, as a place to end a message. */
export interface LineBreak {
  /** Position of the newline; of several in a row, of the first. */
  readonly at: number;
  /** One of `BREAK`, or between two. */
  readonly cost: number;
}

export interface LineBreaks {
  /** In order; without those that would break a fence. */
  readonly breaks: readonly LineBreak[];
  /** The break before the list item that the stretch ends in, where it begins in the stretch. */
  readonly item: LineBreak | undefined;
  /** Lines that are headings: not to be cut. */
  readonly headings: readonly Span[];
}

/** A stretch of a text that begins a message. */
export interface Lines {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  readonly from: number;
  /** The furthest that a newline is of interest. */
  readonly to: number;
  /** The only fence that may be cut, if there is one. */
  readonly fence: CodeFence | undefined;
}

/** Judges the ends of lines of a stretch. */
export function lineBreaks({ text, fences, from, to, fence }: Lines): LineBreaks {
  const window = text.slice(from, to + 1);
  const breaks: LineBreak[] = [];
  const headings: Span[] = [];
  const all = (): LineBreaks => ({ breaks, item, headings });
  const readLine = (start: number): Line => {
    const read = lineAt(text, start);
    if (read.isHeading) headings.push({ start, end: start + read.length });
    return read;
  };
  let line = readLine(from);
  let isInList = line.isItem || line.indent > 0;
  let item: LineBreak | undefined;
  /** Behind the last fence that ended in this line. */
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
  above: Line,
  below: Line,
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

interface Line {
  /** Of what stands behind quote marks. */
  readonly indent: number;
  readonly isItem: boolean;
  readonly isHeading: boolean;
  /** Of the line, in UTF-16 units; of a very long one, less. */
  readonly length: number;
}

/** Quote marks, indentation, and the mark of an item, or what makes it a heading. */
const LINE_START =
  /^(?:> ?)*([^\S\n]*)(?:([-*+]|\d{1,9}[.)])(?=[^\S\n])|(#{1,3}(?=[^\S\n])|\*\*[^*]+\*\*:?\s*$))?/;

/** A longer line is a text, not the title of one. */
const LONGEST_HEADING = 300;

function lineAt(text: string, start: number): Line {
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

/** Behind what is left of a line, if that is blank, and the empty lines after it; indentation stays. */
export function skipBlankLines(text: string, at: number): number {
  WHITE.lastIndex = at;
  const end = at + (WHITE.exec(text)?.[0].length ?? 0);
  return at + text.slice(at, end).lastIndexOf("\n") + 1;
}

/** What goes on with a list item: lines that are indented, but for items in it. */
const ITEM_REST = /(?:\n(?:[^\S\n]*\n)*(?:> ?)*[^\S\n]+(?!\s|(?:[-*+]|\d{1,9}[.)])\s)[^\n]*)*/y;

/**
 * Behind the last line of a list item, without the items in it.
 *
 * @param most What lies behind so many units is not read.
 */
export function itemEnd(text: string, start: number, most: number): number {
  const part = text.slice(start, start + most);
  const firstEnd = part.indexOf("\n");
  if (firstEnd === -1) return start + part.length;
  ITEM_REST.lastIndex = firstEnd;
  return start + firstEnd + (ITEM_REST.exec(part)?.[0].length ?? 0);
}
