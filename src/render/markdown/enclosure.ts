/**
 * Finds marks that are open where a chunk ends, and that the next chunk must repeat.
 *
 * A spoiler that is cut would show its hidden text, and code would show its marks. A quote would
 * continue as if the bot had written it. So spoilers and code are closed and opened again, as
 * fences are, and the mark of a quote is repeated.
 *
 * @module
 */

import { type CodeFence, fenceAt } from "./code_fence.ts";

/** Marks around the beginning or the end of a chunk. */
export interface Enclosure {
  /** Whether it is within a spoiler. */
  readonly isSpoiler: boolean;
  /** Mark of code within a line: one or two backticks; else empty. */
  readonly code: string;
  /** Mark of a quoted line that was cut: `"> "`; else empty. */
  readonly quote: string;
}

/** No open mark. */
export const NOTHING_OPEN: Enclosure = { isSpoiler: false, code: "", quote: "" };

const SPOILER = "||";
/** Maximum length of a quote mark to repeat. Discord shows quotes in quotes as one. */
const LONGEST_QUOTE = 4;
/** Mark of a quote that extends to the end of the message. */
export const BLOCK_QUOTE = ">>> ";
/** Maximum length of all marks before a chunk. */
export const MAX_PREFIX: number = BLOCK_QUOTE.length + LONGEST_QUOTE + SPOILER.length + 2;
/** Maximum length of all marks after a chunk. */
export const MAX_SUFFIX: number = SPOILER.length + 2;

/** Marks that open the enclosure again. The mark of a quote belongs to the line. */
export function openingMarks({ isSpoiler, code }: Enclosure): string {
  return (isSpoiler ? SPOILER : "") + code;
}

/** Marks that close the enclosure. */
export function closingMarks({ isSpoiler, code }: Enclosure): string {
  return code + (isSpoiler ? SPOILER : "");
}

/** A piece of a text for one chunk. */
export interface Enclosed {
  /** The whole text. */
  readonly text: string;
  /** Code fences of the text, in order. */
  readonly fences: readonly CodeFence[];
  /** Index at which the piece begins. */
  readonly from: number;
  /** Index at which the piece ends. */
  readonly to: number;
  /** Marks that were open at `from`. */
  readonly before: Enclosure;
}

/** Marks that are open at the end of a piece. */
export interface Opened {
  /** The open marks. */
  readonly open: Enclosure;
  /** Better end of the piece, because no text follows the mark there. */
  readonly endBefore?: number;
  /** Better start of the next piece, because no text precedes the mark that ends there. */
  readonly continueAt?: number;
}

/**
 * Number of further pieces to search for the end of a spoiler. It bounds how often a text is read.
 */
const LOOKAHEAD = 8;
/** An escaped character, code within a line, or the mark of a spoiler. */
const TOKEN = /\\[^\n]|(`{1,2})[^`\n]+\1(?!`)|\|\|/g;

/** Finds the spoiler and the code around a piece's end. A mark without a partner does not count. */
export function openAt({ text, fences, from, to, before }: Enclosed): Opened {
  const rest = text.slice(from, to + LOOKAHEAD * (to - from));
  let start = 0;
  if (before.code) {
    const end = rest.indexOf(before.code);
    if (end === -1) return { open: before };
    start = end + before.code.length;
    if (from + start > to) return withinCode(before, text, -1, to, from + start);
  }
  let spoilerAt = before.isSpoiler ? from - SPOILER.length : undefined;
  let result: Opened = { open: NOTHING_OPEN };
  TOKEN.lastIndex = start;
  for (let match = TOKEN.exec(rest); match; match = TOKEN.exec(rest)) {
    const { 0: token, 1: mark } = match;
    const place = from + match.index;
    if (place >= to && spoilerAt === undefined) break;
    if (token.startsWith("\\") || fenceAt(fences, place + 1)) continue;
    const end = place + token.length;
    if (mark !== undefined) {
      if (place >= to || end <= to) continue;
      result = withinCode({ ...NOTHING_OPEN, code: mark }, text, place, to, end);
    } else if (place < to) {
      spoilerAt = spoilerAt === undefined ? place : undefined;
    } else {
      const opened = spoilerAt ?? from;
      const isEmptyInside = opened >= from && text.slice(opened + SPOILER.length, to).trim() === "";
      const isEmptyRest = text.slice(to, place).trim() === "";
      return {
        ...result,
        open: { ...result.open, isSpoiler: true },
        ...(isEmptyInside && { endBefore: opened }),
        ...(isEmptyRest && { continueAt: end }),
      };
    }
  }
  return result;
}

function withinCode(
  open: Enclosure,
  text: string,
  start: number,
  to: number,
  end: number,
): Opened {
  const { length } = open.code;
  const isEmptyInside = start !== -1 && text.slice(start + length, to).trim() === "";
  const isEmptyRest = text.slice(to, end - length).trim() === "";
  return {
    open,
    endBefore: isEmptyInside ? start : undefined,
    continueAt: isEmptyRest ? end : undefined,
  };
}

const QUOTE = /(?:> ){1,3}/y;

/** The mark of the quoted line around a piece's end; empty if the piece ends with the line. */
export function quoteAt({ text, from, to, before }: Enclosed): string {
  const line = text.slice(from, to).lastIndexOf("\n");
  if (line === -1 && text.charAt(from - 1) !== "\n" && from > 0) return before.quote;
  QUOTE.lastIndex = from + line + 1;
  const mark = QUOTE.exec(text)?.[0] ?? "";
  return mark.length <= LONGEST_QUOTE ? mark : "";
}
