/**
 * Finds out by its content what a file is, and decodes text. Neither a file's name nor its announced
 * type counts.
 */

import { type FileKind, IMAGE_TYPES, type ImageType } from "../core/turn/media.ts";

const IMAGES: ReadonlySet<string> = new Set(IMAGE_TYPES);

/** Bytes at a file's beginning that tell its type. */
const HEAD_BYTES = 4_100;

/** Types that are text for people, although a detector knows them. */
const TEXT_TYPES = /^(?:text\/|application\/(?:xml|json|x-ndjson))|\+(?:xml|json)$/;

/** Finds out the kind of a file. */
export async function kindOf(bytes: Uint8Array): Promise<FileKind> {
  if (bytes.length === 0) return { kind: "empty" };
  // Not by the detector: to tell office files apart, it inflates parts of the archive without a limit.
  if (startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]) || startsWith(bytes, [0x50, 0x4b, 0x05, 0x06])) {
    return { kind: "archive" };
  }
  if (startsWith(bytes, [0x25, 0x50, 0x44, 0x46, 0x2d])) return { kind: "pdf" };
  // A tag before the sound may be longer than the head.
  if (startsWith(bytes, [0x49, 0x44, 0x33])) {
    return { kind: "audio", mediaType: "audio/mpeg", ending: "mp3" };
  }
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(bytes.slice(0, HEAD_BYTES)).catch(() => undefined);
  if (type && isImage(type.mime)) return { kind: "image", mediaType: type.mime };
  if (type && /^audio\/|\/ogg$/.test(type.mime) && !type.mime.startsWith("video/")) {
    const ending = /^[a-z0-9]{1,10}$/.test(type.ext) ? type.ext : "audio";
    return { kind: "audio", mediaType: type.mime.replace(/;.*$/, ""), ending };
  }
  if (type && !TEXT_TYPES.test(type.mime)) return { kind: "other", mediaType: type.mime };
  const text = decodeText(bytes);
  return text === undefined ? { kind: "other" } : { kind: "text", text };
}

/** Ending of a kept file. */
export function endingOf(kind: FileKind): string {
  switch (kind.kind) {
    case "image":
      return kind.mediaType.slice("image/".length);
    case "audio":
      return kind.ending;
    case "pdf":
      return "pdf";
    case "archive":
      return "zip";
    case "text":
    case "empty":
      return "txt";
    case "other":
      return "bin";
  }
}

function isImage(mime: string): mime is ImageType {
  return IMAGES.has(mime);
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/** Characters that no text file has, except tabs, line breaks, form feeds and escapes. */
// deno-lint-ignore no-control-regex
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Share of such characters from which a file counts as binary. */
const MAX_BINARY = 0.002;

/**
 * Decodes a file: UTF-8, UTF-16 with its mark, or else Windows-1252, which spreadsheets still write.
 *
 * @returns `undefined` if it is no text.
 */
function decodeText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decode("utf-16le", bytes);
  if (first === 0xfe && second === 0xff) return decode("utf-16be", bytes);
  const text = decode("utf-8", bytes) ?? decode("windows-1252", bytes);
  if (text === undefined) return undefined;
  let room = text.length * MAX_BINARY; // not all matches at once: they may be millions
  for (const _ of text.matchAll(BINARY)) if (--room < 0) return undefined;
  return text.includes("\0") ? undefined : text;
}

function decode(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined; // a TypeError means that it is not in this encoding
  }
}
