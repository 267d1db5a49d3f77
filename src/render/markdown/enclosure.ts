/**
 * What is open where a chunk ends, and must be said again in the next.
 *
 * A spoiler that is cut would show what it hides, code would show its marks, and
 * a quote would go on as if it were the bot's own words. So spoilers and code
 * are closed and opened again, as fences are, and the mark of a quote is
 * repeated.
 *
 * @module
 */

import { type CodeFence, fenceAt } from "./code_fence.ts";

/** What a chunk begins, or ends, within. */
export interface Enclosure {
  readonly isSpoiler: boolean;
  /** The mark of code within a line, one or two backticks; else empty. */
  readonly code: string;
  /** The mark of a quoted line that was cut, `"> "`; else empty. */
  readonly quote: string;
}

export const NOTHING_OPEN: Enclosure = { isSpoiler: false, code: "", quote: "" };

const SPOILER = "||";
/** Quotes in quotes are shown as one; a longer mark than this is not worth its room. */
const LONGEST_QUOTE = 4;
/** The mark of a quote to the end of the message. */
export const BLOCK_QUOTE = ">>> ";
/** The longest that all marks before a chunk, and all behind it, can be. */
export const MAX_PREFIX = BLOCK_QUOTE.length + LONGEST_QUOTE + SPOILER.length + 2;
export const MAX_SUFFIX = SPOILER.length + 2;

/** The marks that open what is open; those of a quote are the line's. */
export function opening({ isSpoiler, code }: Enclosure): string {
  return (isSpoiler ? SPOILER : "") + code;
}

/** The marks that close it. */
export function closing({ isSpoiler, code }: Enclosure): string {
  return code + (isSpoiler ? SPOILER : "");
}

/** A piece of a text that is to be a chunk. */
export interface Enclosed {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  readonly from: number;
  readonly to: number;
  /** What was open at `from`. */
  readonly before: Enclosure;
}

/** What is open at the end of a piece. */
export interface Opened {
  readonly open: Enclosure;
  /** Where to end instead: nothing stands behind the mark there. */
  readonly endBefore?: number;
  /** Where to go on instead: nothing stands before the mark that ends there. */
  readonly continueAt?: number;
}

/** In how many such pieces the end of a spoiler is looked for, so that each text is read but so often. */
const LOOKAHEAD = 8;
/** What is escaped, code within a line, and the mark of a spoiler. */
const TOKEN = /\\[^\n]|(`{1,2})[^`\n]+\1(?!`)|\|\|/g;

/** The spoiler and the code that a piece ends within. A mark without a partner is none. */
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
    ...(isEmptyInside && { endBefore: start }),
    ...(isEmptyRest && { continueAt: end }),
  };
}

const QUOTE = /(?:> ){1,3}/y;

/** The mark of the quoted line that a piece ends within; none where it ends with the line. */
export function quoteAt({ text, from, to, before }: Enclosed): string {
  const line = text.slice(from, to).lastIndexOf("\n");
  if (line === -1 && text.charAt(from - 1) !== "\n" && from > 0) return before.quote;
  QUOTE.lastIndex = from + line + 1;
  const mark = QUOTE.exec(text)?.[0] ?? "";
  return mark.length <= LONGEST_QUOTE ? mark : "";
}
