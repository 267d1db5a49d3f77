/**
 * Finds the code fences of a text, as Discord shows them.
 *
 * Discord is more tolerant than Markdown. A fence may open after other words, have any indentation,
 * and close in the middle of a line. A model that ran out of tokens leaves a fence open. All of
 * these must survive a cut.
 *
 * Also finds the other marks that are open where a chunk ends, and that the next chunk must repeat. A
 * spoiler that is cut would show its hidden text, and code would show its marks. A quote would
 * continue as if the bot had written it. So spoilers and code are closed and opened again, as fences
 * are, and the mark of a quote is repeated.
 */

import { spanAt } from "./spans.ts";

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
  /** Line that opens the fence again, with its language. */
  readonly open: string;
  readonly close: string;
}

interface Opening extends Pick<CodeFence, "start" | "contentStart" | "open" | "close"> {
  readonly marker: string;
  /** Whether only white space and quote marks precede it on its line. */
  readonly isBlock: boolean;
}

const MARKER = /`{3,}|~{3,}/g;
const INDENT = /^[ \t>]*$/;

/** Part of a chunk's length that a fence must leave for its content. */
const LEAST_ROOM = 1 / 5;

/**
 * Finds the fences of a text, in order.
 *
 * @param limit Length of the chunks to come. A language that is too long to repeat in each chunk
 * counts as content. A marker that is too long for a chunk is no fence.
 */
export function codeFences(text: string, limit: number): readonly CodeFence[] {
  const markers = Array.from(text.matchAll(MARKER), ({ 0: marker, index }) => ({ marker, index }));
  const fences: CodeFence[] = [];
  for (let next = 0; next < markers.length;) {
    const first = markers[next];
    const opening = first && openingAt(text, first.index, first.marker, limit);
    next += 1;
    if (!opening) continue;
    let closing = next;
    let closer = markers[closing];
    while (closer && !closesFence(opening, text, closer)) closer = markers[closing += 1];
    if (closer) {
      const { index, marker } = closer;
      fences.push({ ...opening, contentEnd: index, end: index + marker.length });
      next = closing + 1;
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
  if (marker.startsWith("~") && !isBlock) return undefined;

  // `>>> ` quotes everything that follows, and is no mark of this line.
  const indent = isBlock ? before.replace(/^>>> /, "") : "";
  const close = indent + marker;
  const isTooLong = (open: string) => limit - open.length - close.length - 2 < limit * LEAST_ROOM;
  if (isTooLong(close)) return undefined;

  const behind = index + marker.length;
  const common = { marker, isBlock, start: index - indent.length, close };
  const [info = ""] = text.slice(behind, behind + limit).split("\n", 1);
  const open = close + info.trimEnd();
  if (isTooLong(open) || (marker.startsWith("`") && info.includes(marker))) {
    return { ...common, open: close, contentStart: behind };
  }
  return { ...common, open, contentStart: Math.min(behind + info.length + 1, text.length) };
}

/**
 * Whether a marker closes a fence. Discord closes at the first marker that is long enough,
 * anywhere; Markdown's `~~~` needs a line of its own.
 */
function closesFence(
  { marker }: Opening,
  text: string,
  closing: { readonly marker: string; readonly index: number },
): boolean {
  if (!closing.marker.startsWith(marker)) return false;
  if (marker.startsWith("`")) return true;
  REST_IS_BLANK.lastIndex = closing.index + closing.marker.length;
  return INDENT.test(lineBefore(text, closing.index, 1_000)) && REST_IS_BLANK.test(text);
}

const REST_IS_BLANK = /[^\S\n]*(?:\n|$)/y;

/** The text before a position on its line, at most `most` units of it. */
function lineBefore(text: string, index: number, most: number): string {
  const before = text.slice(Math.max(0, index - most), index);
  return before.slice(before.lastIndexOf("\n") + 1);
}

/** Marks around the beginning or the end of a chunk. */
export interface Enclosure {
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

function withinCode(open: Enclosure, text: string, start: number, to: number, end: number): Opened {
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
