/**
 * Cuts a text into messages that Discord takes.
 *
 * Each chunk stands on its own: a code fence that is cut is closed in one and
 * opened again, with its language, in the next; so are spoilers, long code and
 * quotes. Joined, the chunks are the text, but for these marks and the white
 * space at cuts and ends, which Discord would drop anyway.
 *
 * @module
 */

import { codeFences, fenceAt } from "./code_fence.ts";
import { BLOCK_QUOTE, MAX_PREFIX } from "./enclosure.ts";
import { skipBlankLines } from "./line_breaks.ts";
import { type Piece, pieceFrom, type Source, START } from "./piece.ts";

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
 * @param most How many chunks are wanted: what comes behind them is not cut. One more than are
 * allowed tells whether there are too many.
 * @returns Chunks in order, none of them blank; none at all of a blank text.
 * @throws {RangeError} If `limit` is not a whole number from 2 to 2000, or
 * `maxLines` not a positive one.
 */
export function chunk(text: string, rules: ChunkRules, most = Infinity): readonly string[] {
  const { limit, maxLines, mode, maxChunks } = rules;
  if (!Number.isInteger(limit) || limit < 2 || limit > MAX_CHUNK_LENGTH) {
    throw new RangeError(`Cannot cut chunks of ${limit}: it takes 2 to ${MAX_CHUNK_LENGTH}`);
  }
  if (!Number.isInteger(maxLines) || maxLines < 1) {
    throw new RangeError(`Cannot cut chunks of ${maxLines} lines: it takes at least 1`);
  }
  const source = sourceOf(text.trimEnd(), limit, maxLines);
  if (mode === "newline") {
    const chunks = cut(source, paragraphsOf(source), maxChunks + 1);
    if (chunks.length <= maxChunks) return chunks.slice(0, most);
  }
  return cut(source, [{ start: 0, end: source.text.length }], most);
}

/** A message needs this much room, or marks said again would leave too little for the text. */
const MIN_LIMIT_FOR_MARKS = 5 * MAX_PREFIX;

function sourceOf(text: string, limit: number, maxLines: number): Source {
  const repeatsMarks = limit >= MIN_LIMIT_FOR_MARKS;
  const hasSpoilers = repeatsMarks && text.includes("||");
  const hasMarks = hasSpoilers || (repeatsMarks && text.includes("> "));
  const fences = codeFences(text, hasMarks ? limit - MAX_PREFIX : limit);
  return {
    text,
    fences,
    limit,
    maxLines,
    repeatsMarks,
    hasSpoilers,
    blockQuoteAt: repeatsMarks ? blockQuoteAt(text, fences) : Infinity,
  };
}

/** Where the quote begins that goes on to the end. */
function blockQuoteAt(text: string, fences: Source["fences"]): number {
  for (let at = text.indexOf(BLOCK_QUOTE); at !== -1; at = text.indexOf(BLOCK_QUOTE, at + 1)) {
    const isLineStart = at === 0 || text.charAt(at - 1) === "\n";
    if (isLineStart && !fenceAt(fences, at)) return at;
  }
  return Infinity;
}

interface Paragraph {
  readonly start: number;
  readonly end: number;
}

/** The stretches between blank lines, but for those in a fence. */
function* paragraphsOf({ text, fences }: Source): Generator<Paragraph> {
  let start = 0;
  for (const { 0: gap, index } of text.matchAll(/\n(?:[^\S\n]*\n)+/g)) {
    if (fenceAt(fences, index)) continue;
    yield { start, end: index };
    start = index + gap.length;
  }
  yield { start, end: text.length };
}

function cut(source: Source, paragraphs: Iterable<Paragraph>, most: number): readonly string[] {
  const chunks: string[] = [];
  let piece: Piece = START;
  for (const { start, end } of paragraphs) {
    const first = Math.max(piece.next, skipBlankLines(source.text, start));
    for (let at = first; at < end; at = piece.next) {
      if (chunks.length >= most) return chunks;
      piece = pieceFrom(source, at, end, piece.open);
      if (piece.next <= at) throw new Error(`Cannot cut a text of ${source.text.length} at ${at}`);
      if (piece.content !== "") chunks.push(piece.content);
    }
  }
  return chunks;
}
