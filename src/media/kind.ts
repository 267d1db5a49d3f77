/** Finds out by its content what a file is. Neither a file's name nor its announced type counts. */

import { type FileKind, IMAGE_TYPES, type ImageType } from "../core/turn/media.ts";
import { decodeText } from "../lib/text/encoding.ts";

const IMAGES: ReadonlySet<string> = new Set(IMAGE_TYPES);

/** Bytes at a file's beginning that tell its type. */
const HEAD_BYTES = 4_100;

/** Types that are text for people, although a detector knows them. */
const TEXT_TYPES = /^(?:text\/|application\/(?:xml|json|x-ndjson))|\+(?:xml|json)$/;

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
