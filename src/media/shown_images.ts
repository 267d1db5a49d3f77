/**
 * Keeps images of tools' results for the model, until their turn ends, also through a crash.
 *
 * They pass the same checks as images of people (H7, SEC-R25).
 *
 * @module
 */

import { type MessageId, parseSnowflake } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { ModelImage } from "../core/model.ts";
import { FileError } from "../core/turn/media.ts";
import type { Log } from "../lib/log.ts";
import { sizeOf } from "../lib/text/units.ts";
import type { MediaFolder } from "./folder.ts";
import { imageProblem } from "./image.ts";
import { kindOf } from "./kind.ts";

/** An image that is kept. */
export interface ShownImage {
  /** Its id: digits. */
  readonly id: string;
  /** The image, for the model. */
  readonly image: ModelImage;
}

/** Images of results. */
export interface ShownImages {
  /**
   * Keeps an image for the turn of a message.
   *
   * @throws {FileError} If a model cannot get it.
   */
  keep(message: InboundMessage, bytes: Uint8Array): Promise<ShownImage>;
  /** Reads images of a message's turn by their ids, in that order, as far as they are kept. */
  read(messageId: MessageId, ids: readonly string[]): Promise<readonly ShownImage[]>;
}

/** Ending of these images: later turns do not see them, as they see images of people. */
const SHOWN = "shown";
/** Ids have more digits than those of drawings, so that no file has the id of another. */
const IDS_PER_MS = 1_000;

/**
 * Creates the keeper.
 *
 * @param maxBytes Maximum size of an image in bytes, from `mediaMaxMb`.
 * @param now Unix time in milliseconds.
 * @param log Gets failures of the disk: the model sees the image all the same.
 */
export function createShownImages(
  folder: MediaFolder,
  maxBytes: () => number,
  now: () => number,
  log: Log,
): ShownImages {
  let last = 0;
  return {
    async keep({ id: messageId, sender }, bytes) {
      if (bytes.length > maxBytes()) {
        throw new FileError(`${sizeOf(bytes.length)}, and the limit is ${sizeOf(maxBytes())}`);
      }
      const kind = await kindOf(bytes);
      if (kind.kind !== "image") throw new FileError("it is no image that models take");
      const problem = await imageProblem(bytes, kind.mediaType);
      if (problem !== undefined) throw new FileError(problem);
      last = Math.max(now() * IDS_PER_MS, last + 1);
      const fileId = parseSnowflake<"attachment">(`${last}`);
      if (!fileId) throw new RangeError("Cannot keep an image: odd time");
      await folder.keep({ messageId, authorId: sender.id, fileId }, SHOWN, bytes)
        .catch((error: unknown) => log.warn("Cannot keep an image of a tool", { error }));
      return { id: fileId, image: { mediaType: kind.mediaType, data: bytes } };
    },
    async read(messageId, ids) {
      const kept = await folder.list(messageId);
      const images: ShownImage[] = [];
      for (const id of ids) {
        const file = kept.find(({ fileId, ending }) => fileId === id && ending === SHOWN);
        const bytes = file && await folder.read(file, maxBytes());
        if (!bytes) continue;
        const kind = await kindOf(bytes);
        if (kind.kind !== "image") continue;
        images.push({ id, image: { mediaType: kind.mediaType, data: bytes } });
      }
      return images;
    },
  };
}
