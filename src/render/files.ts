/**
 * Makes files fit to be sent (R12): none with a secret, none that is too large.
 *
 * What does not go out is named in the text, so that nobody waits for it.
 *
 * @module
 */

import type { OutboundFile } from "../core/outbound/outbound.ts";
import { sizeOf } from "../lib/text/byte_size.ts";
import { notice, type Texts } from "./notices.ts";

export interface FileRules {
  /** The smaller of `mediaMaxMb` and what Discord allows in that place, in bytes. */
  readonly maxFileBytes: number;
  readonly texts: Texts;
  readonly cleanSecrets: (text: string) => string;
}

export interface CheckedFiles {
  /** In their order. */
  readonly files: readonly OutboundFile[];
  /** A sentence for each that stays behind. */
  readonly notes: readonly string[];
}

/** Characters of Discord's description of a file, at most. */
const MAX_ALT = 1_024;
/** Characters of a name: what the file systems of people take. */
const MAX_NAME = 200;

export function checkFiles(files: readonly OutboundFile[], rules: FileRules): CheckedFiles {
  const results = files.map((file) => check(file, rules));
  return {
    files: results.filter((result) => typeof result !== "string"),
    notes: results.filter((result) => typeof result === "string"),
  };
}

/** @returns A sentence in place of a file that cannot go. */
function check(file: OutboundFile, rules: FileRules): OutboundFile | string {
  const { maxFileBytes, texts, cleanSecrets } = rules;
  const name = toName(cleanSecrets(file.name));
  if (file.bytes.length > maxFileBytes) {
    const words = { file: name, size: sizeOf(file.bytes.length), limit: sizeOf(maxFileBytes) };
    return notice("fileTooLarge", words, texts);
  }
  const bytes = withoutSecrets(file.bytes, cleanSecrets);
  if (!bytes) return notice("fileWithheld", { file: name }, texts);
  const alt = file.alt === undefined ? undefined : cut(cleanSecrets(file.alt), MAX_ALT).trim();
  const { contentType } = file;
  return {
    name,
    ...(alt !== undefined && alt !== "" && { alt }),
    ...(contentType !== undefined && { contentType }),
    bytes,
  };
}

/**
 * A file's bytes without secrets; `undefined` where they cannot be taken out of it: within a
 * picture or an archive nothing can be replaced by something of another length.
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
    return undefined; // a TypeError is how a decoder says that it is no UTF-8
  }
}

/** A name that is one line, no path and no Markdown. */
function toName(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{Cc}\p{Cf}`/\\]+/gu, "_").trim();
  return cut(plain, MAX_NAME) || "file";
}

function cut(text: string, most: number): string {
  return text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, "") : text;
}

/** A text as a file for people to read. */
export function textFile(name: string, text: string): OutboundFile {
  return {
    name,
    contentType: "text/markdown; charset=utf-8",
    bytes: new TextEncoder().encode(text),
  };
}

/** A file with less room than this, in bytes, would be no help to anybody. */
export const MIN_FILE_BYTES = 1_000;

/**
 * A text cut into pieces of so many bytes, at the ends of lines where there are any.
 *
 * @param maxBytes At least 4, which the longest character has.
 */
export function cutBytes(text: string, maxBytes: number, most = Infinity): readonly string[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length && pieces.length < most;) {
    const to = endOfPiece(bytes, from, maxBytes);
    pieces.push(decoder.decode(bytes.subarray(from, to)));
    from = to;
  }
  return pieces;
}

function endOfPiece(bytes: Uint8Array, from: number, maxBytes: number): number {
  const end = from + maxBytes;
  if (end >= bytes.length) return bytes.length;
  const lineEnd = bytes.lastIndexOf(10, end - 1);
  if (lineEnd > from + maxBytes / 2) return lineEnd + 1;
  let at = end;
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1; // never within a character
  return at;
}
