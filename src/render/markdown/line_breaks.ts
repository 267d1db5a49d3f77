/**
 * Rates the line ends of a text as places to end a message.
 *
 * A list item, a nested list, and a heading with its text are hard to read in two messages. So line
 * ends within them come after all others. The lines before tell whether a line continues an item,
 * so one pass over a stretch rates all of its lines.
 */

import type { TextRange } from "../../lib/text/edits.ts";
import { type CodeFence, fenceAt } from "./code_fence.ts";

/** Cost of a break. Numbers between two of these express the depth in a list. */
export const BREAK = { paragraph: 0, line: 1, nested: 2, inside: 3, heading: 4 } as const;

/** The end of a line, as a place to end a message. */
export interface LineBreak {
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
    const read = lineAt(text, start);
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

function lineAt(text: string, start: number): QuotedLine {
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
