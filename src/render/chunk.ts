/**
 * Cuts a text into messages that Discord takes.
 *
 * Each chunk stands on its own: a code fence that is cut is closed in one and
 * opened again, with its language, in the next. Joined, the chunks are the
 * text, but for these fences and the white space at cuts and ends, which
 * Discord would drop anyway.
 *
 * @module
 */

import { type CodeFence, codeFences, fenceAt } from "./code_fence.ts";
import { findCut } from "./cut.ts";

/** Characters of a message, at most, in UTF-16 units as Discord counts. */
export const MAX_CHUNK_LENGTH = 2_000;

export interface ChunkRules {
  /** `textChunkLimit`: UTF-16 units, 2 to 2000. */
  readonly limit: number;
  /** `maxLinesPerMessage`, from 1; a fence that is cut may need three. */
  readonly maxLines: number;
  /**
   * `chunkMode`: as much as fits, or each paragraph its own message. A fence
   * with blank lines is one paragraph.
   */
  readonly mode: "length" | "newline";
  /** `messages.maxChunks`: where `newline` makes more, paragraphs share messages. */
  readonly maxChunks: number;
}

/**
 * Cuts a text (R1, R2).
 *
 * @returns Chunks in order, none of them blank; none at all of a blank text.
 * @throws {RangeError} If `limit` is not a whole number from 2 to 2000, or
 * `maxLines` not a positive one.
 */
export function chunk(text: string, rules: ChunkRules): readonly string[] {
  const { limit, maxLines, mode, maxChunks } = rules;
  if (!Number.isInteger(limit) || limit < 2 || limit > MAX_CHUNK_LENGTH) {
    throw new RangeError(`Cannot cut chunks of ${limit}: it takes 2 to ${MAX_CHUNK_LENGTH}`);
  }
  if (!Number.isInteger(maxLines) || maxLines < 1) {
    throw new RangeError(`Cannot cut chunks of ${maxLines} lines: it takes at least 1`);
  }
  if (mode === "newline") {
    const chunks = paragraphsOf(text, limit).flatMap((one) => cutAll(one, limit, maxLines));
    if (chunks.length <= maxChunks) return chunks;
  }
  return cutAll(text, limit, maxLines);
}

/** Cuts at blank lines, but not at those of a fence. */
function paragraphsOf(text: string, limit: number): readonly string[] {
  const fences = codeFences(text, limit);
  const paragraphs: string[] = [];
  let start = 0;
  for (const { 0: gap, index } of text.matchAll(/\n(?:[^\S\n]*\n)+/g)) {
    if (fenceAt(fences, index)) continue;
    paragraphs.push(text.slice(start, index));
    start = index + gap.length;
  }
  return [...paragraphs, text.slice(start)];
}

function cutAll(whole: string, limit: number, maxLines: number): readonly string[] {
  const text = whole.trimEnd();
  const source: Source = {
    text,
    fences: codeFences(text, limit),
    lineEnds: lineEndsOf(text),
    limit,
    maxLines,
  };
  const chunks: string[] = [];
  for (let at = skipBlankLines(text, 0); at < text.length;) {
    const piece = pieceFrom(source, at);
    if (piece.next <= at) throw new Error(`Cannot cut a text of ${text.length} at ${at}`);
    if (piece.content !== "") chunks.push(piece.content);
    at = piece.next;
  }
  return chunks;
}

function lineEndsOf(text: string): readonly number[] {
  const ends: number[] = [];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) ends.push(at);
  return ends;
}

interface Source {
  readonly text: string;
  readonly fences: readonly CodeFence[];
  /** Positions of the newlines. */
  readonly lineEnds: readonly number[];
  readonly limit: number;
  readonly maxLines: number;
}

interface Piece {
  readonly content: string;
  /** Where the next piece begins. */
  readonly next: number;
}

function pieceFrom(source: Source, from: number): Piece {
  const { text, fences, limit } = source;
  const within = fenceAt(fences, from);
  const resumed = within && from >= within.contentStart ? within : undefined;
  const { to, fence } = reachOf(source, from, resumed);
  if (to === from) return { content: "", next: from + 1 }; // an empty line of code, with room for one

  const isLast = to === text.length;
  const longest = fence ? limit - fence.open.length - fence.close.length - 2 : limit;
  const { at, kind } = isLast || to === fence?.start
    ? { at: to, kind: "line" as const }
    : findCut({ text, fences, from, to, fence, longest });

  const broken = fenceAt(fences, at);
  const body = text.slice(from, at);
  const next = broken ? nextInFence(text, broken, at, kind) : nextOutside(text, at, kind);
  const isBlank = body.trim() === "";
  if (isBlank) return { content: "", next };
  const opened = resumed ? `${resumed.open}\n${body}` : body;
  if (!broken) return { content: opened.trimEnd(), next };
  return { content: `${opened.replace(/\r?\n?$/, "")}\n${broken.close}`, next };
}

/**
 * How far a chunk can reach, the fence included that it would have to close.
 *
 * A fence that it can only open and not fill is left to the next chunk.
 */
function reachOf(
  source: Source,
  from: number,
  resumed: CodeFence | undefined,
): { readonly to: number; readonly fence: CodeFence | undefined } {
  const chars = source.limit - (resumed ? resumed.open.length + 1 : 0);
  // A fence that begins or goes on here has a line of its own at least, between two of markers.
  const maxLines = fenceAt(source.fences, from + 1)
    ? Math.max(source.maxLines, 3)
    : source.maxLines;
  const lines = maxLines - (resumed ? 1 : 0);
  let to = endOf(source, from, chars, lines);
  let fence: CodeFence | undefined;
  for (let next = fenceAt(source.fences, to); next && next !== fence;) {
    fence = next;
    to = Math.min(to, endOf(source, from, chars - fence.close.length - 1, lines - 1));
    next = fenceAt(source.fences, to);
  }
  if (!fence) return { to, fence };
  if (fence.start > from && to <= fence.contentStart) return { to: fence.start, fence };
  return { to: Math.min(to, fence.contentEnd), fence };
}

/** Where so many characters, or so many lines, end. */
function endOf({ text, lineEnds }: Source, from: number, chars: number, lines: number): number {
  const end = Math.min(from + chars, text.length);
  if (lines < 1) return from;
  let low = 0;
  let high = lineEnds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lineEnds[middle] ?? Infinity) < from) low = middle + 1;
    else high = middle;
  }
  return Math.min(end, lineEnds[low + lines - 1] ?? end);
}

/** In code white space counts; only the line's end is where the chunk's is. */
function nextInFence(text: string, fence: CodeFence, at: number, kind: "line" | "word"): number {
  const next = kind === "line" ? at + 1 : at;
  const isAllThere = text.slice(next, Math.min(fence.contentEnd, next + 2_000)).trim() === "" &&
    fence.contentEnd - next < 2_000;
  if (!isAllThere) return next;
  return fence.end === Infinity ? text.length : skipBlankLines(text, fence.end);
}

function nextOutside(text: string, at: number, kind: "line" | "word"): number {
  if (kind === "line") return skipBlankLines(text, at);
  SPACES.lastIndex = at;
  return at + (SPACES.exec(text)?.[0].length ?? 0);
}

const SPACES = /(?:[^\S\n]*\n)*[^\S\n]*/y;
const BLANK_LINES = /(?:[^\S\n]*\n)*/y;

/** Behind what is left of a line and the empty ones after it; indentation stays. */
function skipBlankLines(text: string, at: number): number {
  BLANK_LINES.lastIndex = at;
  return at + (BLANK_LINES.exec(text)?.[0].length ?? 0);
}
