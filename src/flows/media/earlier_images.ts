/**
 * Finds the images of earlier turns, so that people can ask more about a picture. The beginning
 * of the request also stays the same for the provider's cache.
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { ModelImage } from "../../core/model.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import { showsImages } from "../../render/prompt/files.ts";
import { MAX_IMAGES, MAX_IMAGES_BYTES, type TurnFiles } from "./read_files.ts";

/**
 * Reads the images of earlier turns from the disk, those of the newest turns first, as far as the
 * request takes more.
 *
 * @param entries The shown history, oldest first.
 * @param images The images of this turn.
 */
export async function earlierImages(
  entries: readonly Entry[],
  images: readonly ModelImage[],
  files: Pick<TurnFiles, "imagesOf">,
): Promise<ReadonlyMap<MessageId, readonly ModelImage[]>> {
  const found = new Map<MessageId, readonly ModelImage[]>();
  let room = MAX_IMAGES_BYTES - bytesOf(images);
  let count = MAX_IMAGES - images.length;
  for (const { role, text, messageId } of entries.toReversed()) {
    if (role !== "user" || !showsImages(text)) continue;
    const shown = await files.imagesOf(messageId, room);
    if (shown.length > count) break;
    if (shown.length === 0) continue;
    found.set(messageId, shown);
    room -= bytesOf(shown);
    count -= shown.length;
  }
  return found;
}

function bytesOf(images: readonly ModelImage[]): number {
  return images.reduce((sum, { data }) => sum + data.length, 0);
}
