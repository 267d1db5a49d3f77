/**
 * Keeps files until their turn ends, also through a crash: images of tools' results for the model, and
 * drawn images and other files for people.
 *
 * Images of tools pass the same checks as images of people (H7, SEC-R25).
 */

import { z } from "zod";
import {
  type MessageId,
  parseSnowflake,
  type Snowflake,
  type UserId,
} from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { ModelImage } from "../core/model.ts";
import { FileError, type FileKind } from "../core/turn/media.ts";
import type { Log } from "../lib/log.ts";
import { sizeOf } from "../lib/text/units.ts";
import { MAX_REQUEST_BYTES, type OutboundFile } from "../core/outbound/outbound.ts";
import type { MediaFolder } from "./folder.ts";
import { imageProblem } from "./image.ts";
import { endingOf, kindOf } from "./media.ts";

interface ShownImage {
  readonly id: string;
  readonly image: ModelImage;
}

/** Ending of these images: later turns do not see them, as they see images of people. */
const SHOWN = "shown";
/** Ids have more digits than those of drawings, so that no file has the id of another. */
const IDS_PER_MS = 1_000;

/**
 * Creates the keeper.
 *
 * @param maxBytes Maximum size of an image in bytes, from `mediaMaxMb`.
 * @param log Gets failures of the disk: the model sees the image all the same.
 */
export function createShownImages(
  folder: MediaFolder,
  maxBytes: () => number,
  now: () => number,
  log: Log,
) {
  let last = 0;

  async function read(
    messageId: MessageId,
    ids: readonly string[],
  ): Promise<readonly ShownImage[]> {
    const kept = await readImages(folder, messageId, ids, SHOWN, maxBytes());
    return kept.map(({ id, bytes, kind: { mediaType } }) => ({
      id,
      image: { mediaType, data: bytes },
    }));
  }

  return {
    /**
     * Keeps an image for the turn of a message.
     *
     * @throws {FileError} If a model cannot get it.
     */
    async keep({ id: messageId, sender }: InboundMessage, bytes: Uint8Array): Promise<ShownImage> {
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
    /** Reads images of a message's turn by their ids, in that order, as far as they are kept. */
    read,
    /** An image of a turn for a person as a file; `undefined` if it is not kept. */
    async file(
      messageId: MessageId,
      id: string,
      askerId: UserId,
    ): Promise<OutboundFile | undefined> {
      const [kept] = await isFor(folder, messageId, id, askerId) ? await read(messageId, [id]) : [];
      if (!kept) return undefined;
      const { mediaType, data } = kept.image;
      const name = `image.${mediaType.slice("image/".length)}`;
      return { name, contentType: mediaType, bytes: new Uint8Array(data) };
    },
  };
}

/** Reads images of a message's turn with an ending, in the order of the ids; leaves out others. */
async function readImages(
  folder: MediaFolder,
  messageId: MessageId,
  ids: readonly string[],
  wanted: string,
  maxBytes: number,
) {
  const kept = await folder.list(messageId);
  const images: {
    readonly id: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly kind: Extract<FileKind, { readonly kind: "image" }>;
  }[] = [];
  for (const id of ids) {
    const file = kept.find(({ fileId, ending }) => fileId === id && ending === wanted);
    const bytes = file && await folder.read(file, maxBytes);
    const kind = bytes && await kindOf(bytes);
    if (bytes && kind?.kind === "image") images.push({ id, bytes, kind });
  }
  return images;
}

async function isFor(
  folder: MediaFolder,
  messageId: MessageId,
  id: string,
  userId: UserId,
): Promise<boolean> {
  const files = await folder.list(messageId);
  return files.some(({ fileId, authorId }) => fileId === id && authorId === userId);
}

/** Ending of drawn images: the images that people sent have others. */
const DRAWN = "drawn";
const MAX_BYTES = 20_000_000;

export function createDrawings(folder: MediaFolder, now: () => number) {
  let last = 0;

  /** Reads images of a message's turn by their ids, in that order, as far as they are kept. */
  async function read(
    messageId: MessageId,
    ids: readonly string[],
  ): Promise<readonly OutboundFile[]> {
    const kept = await readImages(folder, messageId, ids, DRAWN, MAX_BYTES);
    return kept.map(({ bytes, kind }, index) => ({
      name: `drawing-${index + 1}.${endingOf(kind)}`,
      contentType: kind.mediaType,
      bytes,
    }));
  }

  return {
    /**
     * Keeps an image for the turn of a message.
     *
     * @returns Its id: digits.
     * @throws {FileError} If it is no image that Discord shows.
     * @throws {Error} If the disk refuses.
     */
    async keep({ id: messageId, sender }: InboundMessage, bytes: Uint8Array): Promise<string> {
      const { kind } = await kindOf(bytes);
      if (kind !== "image") throw new FileError("the image server's answer is no image");
      last = Math.max(now(), last + 1);
      const fileId = parseSnowflake<"attachment">(`${last}`);
      if (!fileId) throw new RangeError("Cannot keep a drawing: odd time");
      await folder.keep({ messageId, authorId: sender.id, fileId }, DRAWN, bytes);
      return fileId;
    },
    /** A drawn image of a turn for a person; `undefined` if it is not kept. */
    async file(
      messageId: MessageId,
      id: string,
      askerId: UserId,
    ): Promise<OutboundFile | undefined> {
      return await isFor(folder, messageId, id, askerId)
        ? (await read(messageId, [id]))[0]
        : undefined;
    },
    read,
  };
}

/** Endings of a file for people, and of its name and description. */
const SENT = "sent";
const ABOUT = "about";

const aboutSchema = z.lazy(() =>
  z.object({
    name: z.string(),
    alt: z.string().optional(),
    isSpoiler: z.boolean().optional(),
    contentType: z.string().optional(),
  })
);

export function createSentFiles(folder: MediaFolder) {
  return {
    /** Keeps a file under an id. @throws {Error} If the disk refuses. */
    async keep(
      { id: messageId, sender }: InboundMessage,
      fileId: Snowflake<"attachment">,
      { bytes, ...about }: OutboundFile,
    ): Promise<void> {
      const place = { messageId, authorId: sender.id, fileId };
      await folder.keep(place, ABOUT, new TextEncoder().encode(JSON.stringify(about)));
      await folder.keep(place, SENT, bytes); // last, so that a kept file has a name
    },
    async ids(messageId: MessageId): Promise<readonly Snowflake<"attachment">[]> {
      const kept = await folder.list(messageId);
      return kept.flatMap(({ fileId, ending }) => ending === SENT ? [fileId] : []);
    },
    /** Reads a file of a message's turn; `undefined` if it is not kept. */
    async read(messageId: MessageId, id: string): Promise<OutboundFile | undefined> {
      const kept = (await folder.list(messageId)).filter(({ fileId }) => fileId === id);
      const read = async (wanted: string) => {
        const file = kept.find(({ ending }) => ending === wanted);
        return file && await folder.read(file, MAX_REQUEST_BYTES);
      };
      const [bytes, about] = [await read(SENT), await read(ABOUT)];
      return bytes && about &&
        { ...aboutSchema.parse(JSON.parse(new TextDecoder().decode(about))), bytes };
    },
  };
}
