/**
 * Finds the code fences of a text, as Discord shows them.
 *
 * Discord is laxer than Markdown: a fence may open behind other words, be
 * indented as far as one likes, and close in the middle of a line. A model
 * that ran out of tokens leaves one open. All of these must survive a cut.
 *
 * @module
 */

import { spanAt } from "./spans.ts";

/** One fence; positions are UTF-16 units of the text. */
export interface CodeFence {
  /** Of its line, or of the opening marker where words stand before it. */
  readonly start: number;
  readonly contentStart: number;
  /** Of the closing marker; the end of the text where there is none. */
  readonly contentEnd: number;
  /** Behind the closing marker; infinite where there is none. */
  readonly end: number;
  /** The line that opens it again, with its language. */
  readonly open: string;
  /** The line that closes it. */
  readonly close: string;
}

interface Opening extends Pick<CodeFence, "start" | "contentStart" | "open" | "close"> {
  readonly marker: string;
  /** Whether nothing but white space and quote marks stands before it on its line. */
  readonly isBlock: boolean;
}

const MARKER = /`{3,}|~{3,}/g;
const INDENT = /^[ \t>]*$/;

/** Of a chunk's length, what a fence must leave for its content. */
const LEAST_ROOM = 1 / 5;

/**
 * The fences of a text, in order.
 *
 * @param limit Length of the chunks that they will be cut to. A language too long to be said again
 * in each is taken for content, and a marker too long for any is no fence.
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
    while (closer && !closes(opening, text, closer)) closer = markers[closing += 1];
    if (closer) {
      const { index, marker } = closer;
      fences.push({ ...opening, contentEnd: index, end: index + marker.length });
      next = closing + 1;
    } else if (opening.isBlock && text.slice(opening.contentStart).trim() !== "") {
      fences.push({ ...opening, contentEnd: text.length, end: Infinity });
      break;
    } // else never closed, and behind words or empty: only some characters
  }
  return fences;
}

/** The fence that a position lies within, its first and its last position excluded. */
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

  // `>>> ` quotes all that follows, and is no mark of this line.
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

/** Discord closes at the first marker as long, wherever it stands; Markdown's `~~~` needs a line. */
function closes(
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

/** What stands before a position on its line; no more than is of interest. */
function lineBefore(text: string, index: number, most: number): string {
  const before = text.slice(Math.max(0, index - most), index);
  return before.slice(before.lastIndexOf("\n") + 1);
}
