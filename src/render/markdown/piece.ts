/**
 * Takes one chunk from a text: as much as fits, with marks that the chunk must repeat before it and
 * close after it.
 */

import { type CodeFence, fenceAt } from "./code_fence.ts";
import { type Cut, findCut, findLineCut } from "./cut.ts";
import { skipBlankLines } from "./line_breaks.ts";
import {
  BLOCK_QUOTE,
  type Enclosure,
  itemsAbove,
  MAX_SUFFIX,
  NOTHING_OPEN,
  openAt,
  quoteAt,
} from "./open_marks.ts";
import type { Pair } from "./spans.ts";

/** A text, and the facts about it that are known before it is cut. */
export interface MarkdownSource {
  readonly text: string;
  /** Code fences of the text, in order. */
  readonly fences: readonly CodeFence[];
  /** Maximum UTF-16 units of a chunk. */
  readonly limit: number;
  /** Maximum lines of a chunk. */
  readonly maxLines: number;
  /** Whether chunks have room to repeat open marks, apart from fences. */
  readonly repeatsMarks: boolean;
  /** Pairs of marks of the text; computed on first use. */
  readonly pairs: () => readonly Pair[];
  /** Index of the quote that extends to the end of the text; infinite if there is none. */
  readonly blockQuoteAt: number;
}

/** One chunk, and the state after it. */
export interface Piece {
  /** Text of the chunk; empty if it would show nothing. */
  readonly content: string;
  /** Index at which the next piece begins. */
  readonly next: number;
  /** Marks that are open there, apart from a fence. */
  readonly open: Enclosure;
}

/** The state before the first piece. */
export const START: Piece = { content: "", next: 0, open: NOTHING_OPEN };

/**
 * Takes the next piece.
 *
 * @param from Its beginning; not before the end of the last piece.
 * @param end Its last possible end.
 * @param before Marks that are open at `from`.
 */
export function pieceFrom(
  source: MarkdownSource,
  from: number,
  end: number,
  before: Enclosure,
): Piece {
  const piece = tryPiece(source, from, end, before, 0);
  return piece.content.length <= source.limit
    ? piece
    : tryPiece(source, from, end, before, MAX_SUFFIX);
}

/** @param reserve Room for marks after the piece. */
function tryPiece(
  source: MarkdownSource,
  from: number,
  end: number,
  before: Enclosure,
  reserve: number,
): Piece {
  const { text, fences, limit, blockQuoteAt } = source;
  const within = fenceAt(fences, from);
  const resumed = within && from >= within.contentStart ? within : undefined;
  const marks = before.marks.join("");
  const prefix = (from > blockQuoteAt ? BLOCK_QUOTE : "") +
    (resumed ? `${marks}${resumed.open}\n${resumed.head}${before.quote}` : before.quote + marks +
      (source.repeatsMarks && from > 0 ? itemsAbove(text, from, limit / 4) : ""));
  const room = limit - prefix.length - reserve;
  const { to, fence } = reachOf(source, from, end, room, prefix.split("\n").length - 1);
  // An empty line of code, if there is room for one.
  if (to === from) return { content: "", next: from + 1, open: before };

  const longest = fence ? limit - fence.open.length - fence.close.length - 2 : limit;
  const pairs = to === end ? [] : source.pairs();
  const stretch = { text, fences, from, to, fence, longest, mostLines: source.maxLines, pairs };
  const cut = to === end
    ? lineAt(to)
    : to === fence?.start
    ? findLineCut(stretch) ?? lineAt(to)
    : findCut(stretch);

  const mayBeOpen = source.repeatsMarks && cut.at < text.length;
  const opened = openAt(text, mayBeOpen ? source.pairs() : [], cut.at);
  const isEmptied = text.slice(from, opened.end).trim() === "";
  const at = isEmptied ? cut.at : opened.end;
  const broken = fenceAt(fences, at);
  const body = text.slice(from, at);
  const after = broken ? nextInFence(text, broken, at, cut.kind) : nextOutside(text, at, cut.kind);
  // If only the opening of a fence fits, the next piece opens it.
  const hasOnlyOpening = broken && broken.start >= from && after < broken.contentEnd &&
    text.slice(broken.contentStart, at).trim() === "" &&
    text.slice(from, broken.start).trim() === "";
  if (hasOnlyOpening || body.trim() === "") return { content: "", next: after, open: before };
  const next = opened.next > cut.at ? nextOutside(text, opened.next, "word") : after;
  const isInLine = cut.kind === "word" && !text.slice(at, next).includes("\n");
  const quote = isInLine && source.repeatsMarks ? quoteAt(text, from, at, before.quote) : "";
  const closed = broken ? `${body.replace(/\r?\n?$/, "")}\n${broken.close}` : body.trimEnd();
  const closing = opened.closing.toReversed().join("");
  return { content: prefix + closed + closing, next, open: { marks: opened.opening, quote } };
}

const lineAt = (at: number): Cut => ({ at, kind: "line" });

/**
 * Last possible end of a chunk, and the fence that it would have to close there.
 *
 * If only the opening of a fence fits, the fence goes to the next chunk.
 */
function reachOf(
  source: MarkdownSource,
  from: number,
  end: number,
  room: number,
  linesBefore: number,
): { readonly to: number; readonly fence: CodeFence | undefined } {
  const { text, fences, maxLines } = source;
  // A fence that begins or continues here has at least one line of its own, between two with
  // markers.
  const least = fenceAt(fences, from + 1) ? 2 + Math.max(linesBefore, 1) : linesBefore + 1;
  const lines = Math.max(maxLines, least) - linesBefore;
  let to = endOf(text, from, Math.min(end, from + room), lines);
  let fence: CodeFence | undefined;
  for (let next = fenceAt(fences, to); next && next !== fence;) {
    fence = next;
    const most = Math.min(to, from + room - fence.close.length - 1);
    to = endOf(text, from, most, lines - 1);
    next = fenceAt(fences, to);
  }
  if (!fence) return { to, fence };
  if (fence.start > from && text.slice(fence.contentStart + fence.head.length, to).trim() === "") {
    return { to: fence.start, fence };
  }
  return { to: Math.min(to, fence.contentEnd), fence };
}

/** End of this number of lines, but at most `to`. */
function endOf(text: string, from: number, to: number, lines: number): number {
  if (lines < 1) return from;
  // The search covers the window only. A search through the whole rest would cost more with each
  // character of the text.
  const window = text.slice(from, to);
  let newline = -1;
  for (let line = 0; line < lines; line += 1) {
    newline = window.indexOf("\n", newline + 1);
    if (newline === -1) return to;
  }
  return from + newline;
}

/**
 * Start of the next piece in code, where white space counts. Only the line end at the cut is
 * dropped.
 */
function nextInFence(text: string, fence: CodeFence, at: number, kind: Cut["kind"]): number {
  const next = kind === "line" ? at + 1 : at;
  const isAllThere = fence.contentEnd - next < 2_000 &&
    text.slice(next, fence.contentEnd).trim() === "";
  if (!isAllThere) return next;
  return fence.end === Infinity ? text.length : skipBlankLines(text, fence.end);
}

const WHITE = /\s*/y;

/** Skips white space. Keeps the indentation of another line. */
function nextOutside(text: string, at: number, kind: Cut["kind"]): number {
  const line = skipBlankLines(text, at);
  if (kind === "line" || line > at) return line;
  WHITE.lastIndex = at;
  return at + (WHITE.exec(text)?.[0].length ?? 0);
}
