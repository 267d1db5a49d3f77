/**
 * Shortens an answer that is too long for its channel (R6): its beginning, a line that says so, and
 * the whole answer as a file. If the place takes no file, the answer keeps all its first messages.
 *
 * @module
 */

import type { OutboundFile } from "../core/outbound/outbound.ts";
import { sizeOf } from "../lib/text/units.ts";
import { chunk, type ChunkRules } from "./markdown/chunk.ts";
import { cutBytes, type FileRules, MIN_FILE_BYTES, textFile } from "./files.ts";
import { notice } from "./notices/notices.ts";

/** A shortened answer. */
export interface TooLong {
  /** Texts of the messages: one, or as many as an answer may have if there is no file. */
  readonly chunks: readonly string[];
  /** The whole answer; absent if the place allows no file. */
  readonly file?: OutboundFile;
}

/** Name of the file with a whole answer. */
export const ANSWER_FILE = "answer.md";

/** Shortens an answer, and puts the whole answer into a file if the place takes one. */
export function tooLong(text: string, chunks: ChunkRules, rules: FileRules): TooLong {
  const file = rules.takesNoFiles ? undefined : fileOf(text, rules);
  if (file) {
    const line = notice("tooLong", { file: ANSWER_FILE }, rules.texts);
    return { chunks: [withLastLine(text, line, chunks)], file };
  }
  const line = notice("tooLongNoFile", { size: sizeOf(byteLength(text)) }, rules.texts);
  const first = chunk(text, chunks, chunks.maxChunks);
  const last = withLastLine(first.at(-1) ?? "", line, chunks);
  return { chunks: [...first.slice(0, -1), last] };
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
  if (size <= maxFileBytes) return textFile(ANSWER_FILE, text);
  const line = notice("fileCut", { size: sizeOf(size), limit: sizeOf(maxFileBytes) }, texts);
  const lastLine = `\n\n${line}\n`;
  const room = maxFileBytes - byteLength(lastLine);
  if (room < MIN_FILE_BYTES) return undefined;
  const [beginning = ""] = cutBytes(text, room, 1);
  return textFile(ANSWER_FILE, beginning + lastLine);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
