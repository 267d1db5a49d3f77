/**
 * Shortens an answer that is too long for its channel (R6): its beginning, a line that says so, and
 * the whole answer as a file.
 *
 * @module
 */

import type { OutboundFile } from "../core/outbound/outbound.ts";
import { sizeOf } from "../lib/text/byte_size.ts";
import { chunk, type ChunkRules } from "./markdown/chunk.ts";
import { cutBytes, type FileRules, MIN_FILE_BYTES, textFile } from "./files.ts";
import { notice } from "./notices.ts";

/** A shortened answer. */
export interface TooLong {
  /** Text of one message. */
  readonly content: string;
  /** The whole answer; absent if the place allows no file. */
  readonly file?: OutboundFile;
}

/** Name of the file. */
const FILE_NAME = "answer.md";

/** Shortens an answer, and puts the whole answer into a file. */
export function tooLong(text: string, chunks: ChunkRules, rules: FileRules): TooLong {
  const file = fileOf(text, rules);
  const line = file
    ? notice("tooLong", { file: FILE_NAME }, rules.texts)
    : notice("tooLongNoFile", {
      size: sizeOf(byteLength(text)),
      limit: sizeOf(rules.maxFileBytes),
    }, rules.texts);
  return { content: withLastLine(text, line, chunks), ...(file && { file }) };
}

/** The beginning of a text with a line after it. If there is no room for both, only the line. */
export function withLastLine(text: string, line: string, chunks: ChunkRules): string {
  const limit = chunks.limit - line.length - 2;
  const room = { ...chunks, limit, maxLines: Math.max(1, chunks.maxLines - 2) };
  const [beginning] = limit >= 2 ? chunk(text, room, 1) : [];
  if (beginning !== undefined) return `${beginning}\n\n${line}`;
  return chunk(line, { ...chunks, maxLines: chunks.limit, mode: "length" }, 1)[0] ?? "";
}

function fileOf(text: string, { maxFileBytes, texts }: FileRules): OutboundFile | undefined {
  const size = byteLength(text);
  if (size <= maxFileBytes) return textFile(FILE_NAME, text);
  const line = notice("fileCut", { size: sizeOf(size), limit: sizeOf(maxFileBytes) }, texts);
  const lastLine = `\n\n${line}\n`;
  const room = maxFileBytes - byteLength(lastLine);
  if (room < MIN_FILE_BYTES) return undefined;
  const [beginning = ""] = cutBytes(text, room, 1);
  return textFile(FILE_NAME, beginning + lastLine);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
