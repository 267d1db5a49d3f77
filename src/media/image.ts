/**
 * Checks images before a model gets them (H7, SEC-R25), and pictures for emojis and stickers. Barnacle
 * reads their headers, and never decodes a pixel.
 */

import type { ImageType } from "../core/turn/media.ts";
import type { OutboundFile } from "../core/outbound/outbound.ts";
import type { MediaFile } from "../core/turn/discord_place.ts";
import { badArguments } from "../core/turn/tool.ts";

const MAX_PIXELS = 50_000_000;
/** Maximum bytes of one image: Anthropic takes 5 MB in base64, which is a third longer. */
const MAX_IMAGE_BYTES = 3_750_000;

/**
 * Checks an image.
 *
 * @returns Why a model cannot get it, as part of a sentence; `undefined` if it can.
 */
export async function imageProblem(
  bytes: Uint8Array,
  mediaType: ImageType,
): Promise<string | undefined> {
  const { imageSize } = await import("image-size");
  let pixels: number;
  try {
    const { width, height } = imageSize(bytes);
    pixels = width * height;
  } catch {
    return "the image is damaged";
  }
  if (pixels > MAX_PIXELS) {
    return `the image has ${Math.round(pixels / 1e6)} megapixels, and the limit is ${
      MAX_PIXELS / 1e6
    }`;
  }
  if (bytes.length > MAX_IMAGE_BYTES) return "the image is larger than models take (3.75 MB)";
  return isAnimated(bytes, mediaType) ? "the image is animated" : undefined;
}

function isAnimated(bytes: Uint8Array, mediaType: ImageType): boolean {
  switch (mediaType) {
    case "image/png":
      return hasChunk(bytes, "acTL", "IDAT");
    case "image/webp": // the extended header has a flag
      return ascii(bytes, 12, 4) === "VP8X" && ((bytes[20] ?? 0) & 0x02) !== 0;
    case "image/gif":
      return framesOfGif(bytes) > 1;
    case "image/jpeg":
      return false;
  }
}

/** Whether a PNG has a chunk before the first chunk with the name `end`. */
function hasChunk(bytes: Uint8Array, name: string, end: string): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= bytes.length;) {
    const chunk = ascii(bytes, at + 4, 4);
    if (chunk === name) return true;
    if (chunk === end) return false;
    at += 12 + view.getUint32(at);
  }
  return false;
}

/** Counts the frames of a GIF, at most two. */
function framesOfGif(bytes: Uint8Array): number {
  const tableBytes = (flags: number) => (flags & 0x80) !== 0 ? 3 * 2 ** ((flags & 0x07) + 1) : 0;
  let at = 13 + tableBytes(bytes[10] ?? 0);
  let frames = 0;
  const skipBlocks = () => {
    while ((bytes[at] ?? 0) !== 0) at += 1 + (bytes[at] ?? 0);
    at += 1;
  };
  while (at < bytes.length && frames < 2) {
    const introducer = bytes[at];
    if (introducer === 0x21) {
      at += 2;
      skipBlocks();
    } else if (introducer === 0x2c) {
      frames += 1;
      at += 10 + tableBytes(bytes[at + 9] ?? 0) + 1;
      skipBlocks();
    } else break;
  }
  return frames;
}

function ascii(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}

/** The first bytes of the kinds of pictures that Discord takes. */
const KINDS: readonly {
  readonly contentType: string;
  readonly at: number;
  readonly bytes: string;
}[] = [
  { contentType: "image/png", at: 0, bytes: "\x89PNG" },
  { contentType: "image/gif", at: 0, bytes: "GIF8" },
  { contentType: "image/jpeg", at: 0, bytes: "\xff\xd8\xff" },
  { contentType: "image/webp", at: 8, bytes: "WEBP" },
  { contentType: "image/avif", at: 4, bytes: "ftypavif" },
  { contentType: "application/json", at: 0, bytes: "{" }, // a sticker in Lottie's format
];

/** Checks that a file is a picture for an emoji or a sticker, and names its type. */
export function asPicture({ name, bytes }: OutboundFile): MediaFile {
  const kind = KINDS.find(({ at, bytes: wanted }) =>
    [...wanted].every((character, index) => bytes[at + index] === character.charCodeAt(0))
  );
  if (!kind) throw badArguments("`mediaUrl` is no PNG, GIF, JPEG, WebP or AVIF");
  return { name, contentType: kind.contentType, bytes };
}
