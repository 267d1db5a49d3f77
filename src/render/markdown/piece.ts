/**
 * Takes one chunk from a text: as much as fits, with marks that the chunk must repeat before it and
 * close after it.
 */

import {
  BLOCK_QUOTE,
  closingMarks,
  type CodeFence,
  type Enclosure,
  fenceAt,
  MAX_SUFFIX,
  NOTHING_OPEN,
  openAt,
  openingMarks,
  quoteAt,
} from "./code_fence.ts";
import { type Cut, findCut, findLineCut } from "./cut.ts";
import { skipBlankLines } from "./line_breaks.ts";

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
  /** Whether the text may contain spoilers. */
  readonly hasSpoilers: boolean;
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
  const marks = openingMarks(before);
  const prefix = (from > blockQuoteAt ? BLOCK_QUOTE : "") +
    (resumed ? `${marks}${resumed.open}\n${before.quote}` : before.quote + marks);
  const room = limit - prefix.length - reserve;
  const { to, fence } = reachOf(source, from, end, room, resumed);
  // An empty line of code, if there is room for one.
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
  // If only the opening of a fence fits, the next piece opens it.
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
  return { content: prefix + closed + closingMarks(pieceEnd.open), next, open: { ...open, quote } };
}

const lineAt = (at: number): Cut => ({ at, kind: "line" });

interface PieceEnd {
  readonly at: number;
  readonly open: Enclosure;
  readonly continueAt: number;
}

/** The final end of the piece, and the marks that are open there. */
function pieceEndOf(
  source: MarkdownSource,
  from: number,
  { at, kind }: Cut,
  before: Enclosure,
): PieceEnd {
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
 * Last possible end of a chunk, and the fence that it would have to close there.
 *
 * If only the opening of a fence fits, the fence goes to the next chunk.
 */
function reachOf(
  source: MarkdownSource,
  from: number,
  end: number,
  room: number,
  resumed: CodeFence | undefined,
): { readonly to: number; readonly fence: CodeFence | undefined } {
  const { text, fences, maxLines } = source;
  // A fence that begins or continues here has at least one line of its own, between two with
  // markers.
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

/** Skips white space after a closing mark. Keeps the indentation of another line. */
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
