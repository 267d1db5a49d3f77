/**
 * Finds the code fences of a text, as Discord shows them.
 *
 * Discord is more tolerant than Markdown. A fence may open after other words, have any indentation,
 * and close in the middle of a line. A model that ran out of tokens leaves a fence open. All of
 * these must survive a cut.
 *
 * @module
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
  /** Line that closes the fence. */
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
