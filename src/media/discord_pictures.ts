/**
 * Reads pictures for emojis and stickers. They come from Discord's media hosts only, so a model
 * cannot make the bot read other addresses (SEC-R23).
 *
 * @module
 */

import { FileError } from "../core/turn/media.ts";
import type { MediaFile } from "../core/turn/ports/discord_place.ts";
import type { Download } from "./download.ts";
import { badArguments } from "../core/refused_call.ts";

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

/** Creates the reads of one account. */
export function createMediaReads(
  download: Download,
): (url: string, maxBytes: number, signal: AbortSignal) => Promise<MediaFile> {
  return async (url, maxBytes, signal) => {
    const bytes = await download(url, maxBytes, signal).catch((error: unknown) => {
      if (!(error instanceof FileError)) throw error;
      throw new Error(
        `\`mediaUrl\` cannot be read: ${error.message}; it must be the link of a picture that was ` +
          "posted on Discord",
      );
    });
    const kind = KINDS.find(({ at, bytes: wanted }) =>
      [...wanted].every((character, index) => bytes[at + index] === character.charCodeAt(0))
    );
    if (!kind) throw badArguments("`mediaUrl` is no PNG, GIF, JPEG, WebP or AVIF");
    const name = decodeURIComponent(new URL(url).pathname.split("/").at(-1) ?? "");
    return { name: name || "picture", contentType: kind.contentType, bytes };
  };
}
