/**
 * Checks files before they are sent (R12), and puts answers that are too long into one (R6).
 *
 * Secrets are removed, and files that are too large are refused. The text names each refused file, so
 * that no one waits for it.
 */

import type { OutboundFile, OutboundMessage } from "../core/outbound/outbound.ts";
import { sizeOf } from "../lib/text/units.ts";
import { chunk, type ChunkRules, ONE_MESSAGE } from "./markdown/chunk.ts";
import { MAX_CHUNK_LENGTH } from "./markdown/code_fence.ts";

const refusedText = (file: string) =>
  `\`${file}\` is not attached, because Discord doesn't accept it here.`;

export interface FileRules {
  /** Maximum size in bytes: the smaller of `mediaMaxMb` and Discord's limit for the place. */
  readonly maxFileBytes: number;
  /** Set if the bot may not attach files in the place (R12a). */
  readonly takesNoFiles?: true;
  readonly cleanSecrets: (text: string) => string;
}

/** Discord's maximum number of characters for a file's description. */
const MAX_ALT = 1_024;
/** Maximum number of characters of a file name that common file systems accept. */
const MAX_NAME = 200;

/**
 * Checks files, and removes secrets from their names, descriptions and contents.
 *
 * @returns The files to send, in their order, and a sentence for each refused one.
 */
export function checkFiles(
  files: readonly OutboundFile[],
  rules: FileRules,
): { readonly files: readonly OutboundFile[]; readonly notes: readonly string[] } {
  const results = files.map((file) => checkFile(file, rules));
  return {
    files: results.filter((result) => typeof result !== "string"),
    notes: results.filter((result) => typeof result === "string"),
  };
}

/** @returns The file to send, or a sentence that replaces a refused file. */
function checkFile(file: OutboundFile, rules: FileRules): OutboundFile | string {
  const { maxFileBytes, takesNoFiles, cleanSecrets } = rules;
  const name = toName(cleanSecrets(file.name));
  if (takesNoFiles) return refusedText(name);
  if (file.bytes.length > maxFileBytes) {
    return `\`${name}\` is not attached: it has ${sizeOf(file.bytes.length)}, and I can attach ` +
      `at most ${sizeOf(maxFileBytes)} here.`;
  }
  const bytes = withoutSecrets(file.bytes, cleanSecrets);
  if (!bytes) return `\`${name}\` is not attached, because it contains a secret.`;
  const alt = file.alt === undefined ? undefined : cutText(cleanSecrets(file.alt), MAX_ALT).trim();
  const { contentType, isSpoiler } = file;
  return { name, alt: alt || undefined, isSpoiler, contentType, bytes };
}

/**
 * Removes secrets from a file's bytes.
 *
 * @returns `undefined` if they cannot be removed: a picture or an archive breaks if a part of it
 * changes its length.
 */
function withoutSecrets(
  bytes: OutboundFile["bytes"],
  clean: (text: string) => string,
): OutboundFile["bytes"] | undefined {
  const text = textOf(bytes);
  const decoded = text ?? new TextDecoder("latin1").decode(bytes);
  const cleaned = clean(decoded);
  if (cleaned === decoded) return bytes;
  return text === undefined ? undefined : new TextEncoder().encode(cleaned);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // a TypeError means that it is no UTF-8
  }
}

/** Reduces a file name to one line without path or Markdown. */
function toName(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{Cc}\p{Cf}`/\\]+/gu, "_").trim();
  return cutText(plain, MAX_NAME) || "file";
}

function cutText(text: string, most: number): string {
  return text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, "") : text;
}

function textFile(name: string, text: string): OutboundFile {
  return {
    name,
    contentType: "text/markdown; charset=utf-8",
    bytes: new TextEncoder().encode(text),
  };
}

/** Minimum size in bytes of a file with text; a smaller one would help no one. */
const MIN_FILE_BYTES = 1_000;

/** The beginning of a text, up to the end of a line if possible. */
function beginningOf(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(bytes.subarray(0, endOfPiece(bytes, maxBytes)));
}

function endOfPiece(bytes: Uint8Array, end: number): number {
  if (end >= bytes.length) return bytes.length;
  const lineEnd = bytes.lastIndexOf(10, end - 1);
  if (lineEnd > end / 2) return lineEnd + 1;
  let at = end;
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1; // never within a character
  return at;
}

const ANSWER_FILE = "answer.md";

/**
 * Shortens an answer, and puts the whole answer into a file if the place takes one.
 *
 * @returns One text, or as many as an answer may have if there is no file.
 */
export function tooLong(
  text: string,
  chunks: ChunkRules,
  rules: FileRules,
): { readonly chunks: readonly string[]; readonly file?: OutboundFile } {
  const file = rules.takesNoFiles ? undefined : fileOf(text, rules);
  if (file) {
    const line = `This is only the beginning. The whole answer is in \`${ANSWER_FILE}\`.`;
    return { chunks: [withLastLine(text, line, chunks)], file };
  }
  const line =
    `This is only the beginning. The whole answer has ${sizeOf(byteLength(text))}, and I ` +
    "can't attach it here.";
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

function fileOf(text: string, { maxFileBytes }: FileRules): OutboundFile | undefined {
  const size = byteLength(text);
  if (size <= maxFileBytes) return textFile(ANSWER_FILE, text);
  const line = `[Cut here: the whole answer has ${sizeOf(size)}, and a file may have at most ` +
    `${sizeOf(maxFileBytes)}.]`;
  const lastLine = `\n\n${line}\n`;
  const room = maxFileBytes - byteLength(lastLine);
  if (room < MIN_FILE_BYTES) return undefined;
  return textFile(ANSWER_FILE, beginningOf(text, room) + lastLine);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * Rewrites a message.
 *
 * @param names Names of its files.
 */
export function withoutFiles(message: OutboundMessage, names: readonly string[]): OutboundMessage {
  const lines = names.map((file) => refusedText(file)).join("\n");
  const content = message.content === "" && lines.length <= MAX_CHUNK_LENGTH
    ? lines
    : withLastLine(message.content, lines, ONE_MESSAGE);
  const { voice: _, ...plain } = message; // a voice message has no text
  return { ...plain, content };
}
