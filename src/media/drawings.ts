/**
 * Keeps drawn images until the reply of their turn takes them, also through a crash.
 *
 * @module
 */

import type { MessageId } from "../core/discord/ids.ts";
import { parseSnowflake } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { OutboundFile } from "../core/outbound/outbound.ts";
import { FileError } from "../core/turn/media.ts";
import type { MediaFolder } from "./folder.ts";
import { endingOf, kindOf } from "./kind.ts";

/** Drawn images. */
export interface Drawings {
  /**
   * Keeps an image for the turn of a message.
   *
   * @returns Its id: digits.
   * @throws {FileError} If it is no image that Discord shows.
   * @throws {Error} If the disk refuses.
   */
  keep(message: InboundMessage, bytes: Uint8Array): Promise<string>;
  /** Reads images of a message's turn by their ids, in that order, as far as they are kept. */
  read(messageId: MessageId, ids: readonly string[]): Promise<readonly OutboundFile[]>;
}

/** Ending of drawn images: the images that people sent have others. */
const DRAWN = "drawn";
/** Maximum bytes of an image. */
const MAX_BYTES = 20_000_000;

/**
 * Creates the keeper.
 *
 * @param now Unix time in milliseconds.
 */
export function createDrawings(folder: MediaFolder, now: () => number): Drawings {
  let last = 0;
  return {
    async keep({ id: messageId, sender }, bytes) {
      const { kind } = await kindOf(bytes);
      if (kind !== "image") throw new FileError("the image server's answer is no image");
      last = Math.max(now(), last + 1);
      const fileId = parseSnowflake<"attachment">(`${last}`);
      if (!fileId) throw new RangeError("Cannot keep a drawing: odd time");
      await folder.keep({ messageId, authorId: sender.id, fileId }, DRAWN, bytes);
      return fileId;
    },
    async read(messageId, ids) {
      const kept = await folder.list(messageId);
      const files: OutboundFile[] = [];
      for (const id of ids) {
        const file = kept.find(({ fileId, ending }) => fileId === id && ending === DRAWN);
        const bytes = file && await folder.read(file, MAX_BYTES);
        if (!bytes) continue;
        const kind = await kindOf(bytes);
        if (kind.kind !== "image") continue;
        files.push({
          name: `drawing-${files.length + 1}.${endingOf(kind)}`,
          contentType: kind.mediaType,
          bytes,
        });
      }
      return files;
    },
  };
}
