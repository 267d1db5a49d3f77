/**
 * Splits a text into messages that Discord accepts.
 *
 * Each chunk can be read on its own. If a code fence is cut, one chunk closes it, and the next
 * opens it again with its language. The same applies to spoilers, emphasis, long code and quotes. Joined, the
 * chunks are the text again, except for these marks and for white space at cuts and ends. Discord
 * would drop that white space anyway.
 */

import type { TextRange } from "../../lib/text/edits.ts";
import { codeFences, fenceAt, MAX_CHUNK_LENGTH } from "./code_fence.ts";
import { pairsOf } from "./code_region.ts";
import { skipBlankLines } from "./line_breaks.ts";
import { BLOCK_QUOTE, MAX_PREFIX } from "./open_marks.ts";
import type { Pair } from "./spans.ts";
import { type MarkdownSource, type Piece, pieceFrom, START } from "./piece.ts";

export interface ChunkRules {
  /**
   * `textChunkLimit`: maximum UTF-16 units of a chunk, 2 to 2000. The config takes no less than 100:
   * below 16, a fence that is cut stays open, and below 60, a spoiler does.
   */
  readonly limit: number;
  /** `maxLinesPerMessage`: maximum lines of a chunk, from 1. A fence that is cut may need three. */
  readonly maxLines: number;
  /**
   * `chunkMode`. `length`: as much text per chunk as fits. `newline`: one chunk per paragraph; a
   * fence with blank lines is one paragraph.
   */
  readonly mode: "length" | "newline";
  /** `messages.maxChunks`: if `newline` needs more chunks, paragraphs share chunks. */
  readonly maxChunks: number;
}

/** One message, which may use all the room that Discord gives it. */
export const ONE_MESSAGE: ChunkRules = {
  limit: MAX_CHUNK_LENGTH,
  maxLines: MAX_CHUNK_LENGTH,
  mode: "length",
  maxChunks: 1,
};

/**
 * Splits a text (R1, R2).
 *
 * @param most Maximum number of chunks to return; the text after them is not split. One more than
 * allowed tells whether there are too many.
 * @returns Chunks in order, none of them blank; an empty list for a blank text.
 * @throws {RangeError} If `limit` is not a whole number from 2 to 2000, or `maxLines` not a
 * positive one.
 */
export function chunk(text: string, rules: ChunkRules, most = Infinity): readonly string[] {
  const { limit, maxLines, mode, maxChunks } = rules;
  if (!Number.isInteger(limit) || limit < 2 || limit > MAX_CHUNK_LENGTH) {
    throw new RangeError(
      `Cannot cut chunks of ${limit}: use a whole number from 2 to ${MAX_CHUNK_LENGTH}`,
    );
  }
  if (!Number.isInteger(maxLines) || maxLines < 1) {
    throw new RangeError(`Cannot cut chunks of ${maxLines} lines: use a whole number from 1`);
  }
  const trimmed = text.trimEnd();
  if (trimmed.length <= limit && IS_PLAIN_LINE.test(trimmed)) return most < 1 ? [] : [trimmed];
  const source = sourceOf(trimmed, limit, maxLines);
  if (mode === "newline") {
    const chunks = cutChunks(source, paragraphsOf(source), maxChunks + 1);
    if (chunks.length <= maxChunks) return chunks.slice(0, most);
  }
  return cutChunks(source, [{ start: 0, end: source.text.length }], most);
}

/** A line without any mark that a cut would have to repeat: most short answers. */
const IS_PLAIN_LINE = /^[^\s`~|>][^\n\r\u2028\u2029`~|>]*$/;

/** Minimum chunk length to repeat marks; with less, they would leave too little room for text. */
const MIN_LIMIT_FOR_MARKS = 3 * MAX_PREFIX;

function sourceOf(text: string, limit: number, maxLines: number): MarkdownSource {
  const repeatsMarks = limit >= MIN_LIMIT_FOR_MARKS;
  const hasMarks = repeatsMarks && /[*_~|]|> /.test(text);
  const fences = codeFences(text, hasMarks ? limit - MAX_PREFIX : limit);
  let pairs: readonly Pair[] | undefined; // most texts are not cut within a line
  return {
    text,
    fences,
    limit,
    maxLines,
    repeatsMarks,
    pairs: () => pairs ??= pairsOf(text),
    blockQuoteAt: repeatsMarks ? blockQuoteAt(text, fences) : Infinity,
  };
}

/** Index of the quote that extends to the end of the text; infinite if there is none. */
function blockQuoteAt(text: string, fences: MarkdownSource["fences"]): number {
  for (let at = text.indexOf(BLOCK_QUOTE); at !== -1; at = text.indexOf(BLOCK_QUOTE, at + 1)) {
    const isLineStart = at === 0 || text.charAt(at - 1) === "\n";
    if (isLineStart && !fenceAt(fences, at)) return at;
  }
  return Infinity;
}

/** The parts between blank lines. Blank lines in a fence do not count. */
function* paragraphsOf({ text, fences }: MarkdownSource): Generator<TextRange> {
  let start = 0;
  for (const { 0: gap, index } of text.matchAll(/\n(?:[^\S\n]*\n)+/g)) {
    if (fenceAt(fences, index)) continue;
    yield { start, end: index };
    start = index + gap.length;
  }
  yield { start, end: text.length };
}

function cutChunks(
  source: MarkdownSource,
  paragraphs: Iterable<TextRange>,
  most: number,
): readonly string[] {
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
