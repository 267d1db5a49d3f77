/**
 * Takes one chunk from a text: as far as it reaches, with what must be said
 * again before it and closed behind it.
 *
 * @module
 */

import { type CodeFence, fenceAt } from "./code_fence.ts";
import { type Cut, findCut, findLineCut } from "./cut.ts";
import {
  BLOCK_QUOTE,
  closing,
  type Enclosure,
  MAX_SUFFIX,
  NOTHING_OPEN,
  openAt,
  opening,
  quoteAt,
} from "./enclosure.ts";
import { skipBlankLines } from "./line_breaks.ts";

/** A text, and all that is known of it before it is cut. */
export interface Source {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  readonly limit: number;
  readonly maxLines: number;
  /** Whether there is room to say again what is open, besides a fence. */
  readonly repeatsMarks: boolean;
  readonly hasSpoilers: boolean;
  /** Where the quote begins that goes on to the end; infinite if there is none. */
  readonly blockQuoteAt: number;
}

export interface Piece {
  /** Empty if there is nothing to be seen. */
  readonly content: string;
  /** Where the next piece begins. */
  readonly next: number;
  /** What is open there, besides a fence. */
  readonly open: Enclosure;
}

/** What comes before the first. */
export const START: Piece = { content: "", next: 0, open: NOTHING_OPEN };

/**
 * @param from Where it begins; not before the end of the last one.
 * @param end Where it must end.
 * @param before What is open at `from`.
 */
export function pieceFrom(source: Source, from: number, end: number, before: Enclosure): Piece {
  const piece = tryPiece(source, from, end, before, 0);
  return piece.content.length <= source.limit
    ? piece
    : tryPiece(source, from, end, before, MAX_SUFFIX);
}

/** @param reserve Room that is kept for marks behind the piece. */
function tryPiece(
  source: Source,
  from: number,
  end: number,
  before: Enclosure,
  reserve: number,
): Piece {
  const { text, fences, limit, blockQuoteAt } = source;
  const within = fenceAt(fences, from);
  const resumed = within && from >= within.contentStart ? within : undefined;
  const marks = opening(before);
  const prefix = (from > blockQuoteAt ? BLOCK_QUOTE : "") +
    (resumed ? `${marks}${resumed.open}\n${before.quote}` : before.quote + marks);
  const room = limit - prefix.length - reserve;
  const { to, fence } = reachOf(source, from, end, room, resumed);
  // An empty line of code, with room for one.
  if (to === from) return { content: "", next: from + 1, open: before };

  const longest = fence ? limit - fence.open.length - fence.close.length - 2 : limit;
  const stretch = { text, fences, from, to, fence, longest, mostLines: source.maxLines };
  const cut = to === end
    ? lineAt(to)
    : to === fence?.start
    ? findLineCut(stretch) ?? lineAt(to)
    : findCut(stretch);

  const pieceEnd = pieceEndOf(source, from, cut, before);
  const at = pieceEnd.at;
  const broken = fenceAt(fences, at);
  const body = text.slice(from, at);
  const after = broken ? nextInFence(text, broken, at, cut.kind) : nextOutside(text, at, cut.kind);
  // A fence of which only the opening has room is opened by the next piece.
  const hasOnlyOpening = broken && broken.start >= from && after < broken.contentEnd &&
    text.slice(broken.contentStart, at).trim() === "" &&
    text.slice(from, broken.start).trim() === "";
  if (hasOnlyOpening || body.trim() === "") return { content: "", next: after, open: before };
  const next = pieceEnd.continueAt > at ? skipAfterMark(text, pieceEnd.continueAt) : after;
  const open = pieceEnd.continueAt > at ? NOTHING_OPEN : pieceEnd.open;
  const isInLine = cut.kind === "word" && !text.slice(at, next).includes("\n");
  const quote = isInLine && source.repeatsMarks
    ? quoteAt({ text, fences, from, to: at, before })
    : "";
  const closed = broken ? `${body.replace(/\r?\n?$/, "")}\n${broken.close}` : body.trimEnd();
  return {
    content: prefix + closed + closing(pieceEnd.open),
    next,
    open: { ...open, quote },
  };
}

const lineAt = (at: number): Cut => ({ at, kind: "line" });

interface PieceEnd {
  readonly at: number;
  readonly open: Enclosure;
  readonly continueAt: number;
}

/** Where the piece really ends, and what is open there. */
function pieceEndOf(source: Source, from: number, { at, kind }: Cut, before: Enclosure): PieceEnd {
  const { text, fences, hasSpoilers, repeatsMarks } = source;
  const mayBeOpen = hasSpoilers || before.code !== "" ||
    (repeatsMarks && kind === "word" && text.slice(from, at).includes("`"));
  if (!mayBeOpen || at === text.length) return { at, open: NOTHING_OPEN, continueAt: 0 };
  const { open, endBefore, continueAt = 0 } = openAt({ text, fences, from, to: at, before });
  if (endBefore === undefined) return { at, open, continueAt };
  const isEmpty = text.slice(from, endBefore).trim() === "";
  return { at: isEmpty ? at : endBefore, open: NOTHING_OPEN, continueAt: 0 };
}

/**
 * How far a chunk can reach, the fence included that it would have to close.
 *
 * A fence that it can only open and not fill is left to the next chunk.
 */
function reachOf(
  source: Source,
  from: number,
  end: number,
  room: number,
  resumed: CodeFence | undefined,
): { readonly to: number; readonly fence: CodeFence | undefined } {
  const { text, fences, maxLines } = source;
  // A fence that begins or goes on here has a line of its own at least, between two of markers.
  const lines = (fenceAt(fences, from + 1) ? Math.max(maxLines, 3) : maxLines) - (resumed ? 1 : 0);
  let to = endOf(text, from, Math.min(end, from + room), lines);
  let fence: CodeFence | undefined;
  for (let next = fenceAt(fences, to); next && next !== fence;) {
    fence = next;
    const most = Math.min(to, from + room - fence.close.length - 1);
    to = endOf(text, from, most, lines - 1);
    next = fenceAt(fences, to);
  }
  if (!fence) return { to, fence };
  if (fence.start > from && text.slice(fence.contentStart, to).trim() === "") {
    return { to: fence.start, fence };
  }
  return { to: Math.min(to, fence.contentEnd), fence };
}

/** Where so many lines end, but not behind `to`. */
function endOf(text: string, from: number, to: number, lines: number): number {
  if (lines < 1) return from;
  // Searched in the window only: a search through all of the rest would cost the more the longer
  // the text is.
  const window = text.slice(from, to);
  let newline = -1;
  for (let line = 0; line < lines; line += 1) {
    newline = window.indexOf("\n", newline + 1);
    if (newline === -1) return to;
  }
  return from + newline;
}

/** In code white space counts; only the line's end is where the chunk's is. */
function nextInFence(text: string, fence: CodeFence, at: number, kind: Cut["kind"]): number {
  const next = kind === "line" ? at + 1 : at;
  const isAllThere = fence.contentEnd - next < 2_000 &&
    text.slice(next, fence.contentEnd).trim() === "";
  if (!isAllThere) return next;
  return fence.end === Infinity ? text.length : skipBlankLines(text, fence.end);
}

/** Behind the white space after a closing mark; indentation of another line stays. */
function skipAfterMark(text: string, at: number): number {
  const line = skipBlankLines(text, at);
  return line > at ? line : nextOutside(text, at, "word");
}

const WHITE = /\s*/y;

function nextOutside(text: string, at: number, kind: Cut["kind"]): number {
  if (kind === "line") return skipBlankLines(text, at);
  WHITE.lastIndex = at;
  return at + (WHITE.exec(text)?.[0].length ?? 0);
}
