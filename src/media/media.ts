/** Gets files of people: from the disk, or else from Discord, and keeps them on the disk. */

import type { Attachment } from "../core/discord/attachment.ts";
import { compareIds, type MessageId } from "../core/discord/ids.ts";
import { FileError, type FoundFile, type MediaOwner } from "../core/turn/media.ts";
import type { Log } from "../lib/log.ts";
import type { WorkPlaces } from "../lib/places.ts";
import { sizeOf } from "../lib/text/units.ts";
import type { Download } from "./download.ts";
import type { MediaFolder } from "./folder.ts";
import { endingOf, kindOf } from "./kind.ts";

/** Bytes by which a file may be larger than Discord says. */
const SPARE_BYTES = 1_000_000;
const WORDS = "words";
/** Maximum bytes of such words. */
const MAX_WORDS_BYTES = 1_000_000;

const IMAGE_ENDINGS: ReadonlySet<string> = new Set(["png", "jpeg", "gif", "webp"]);

/** Creates the files of one account. All accounts share the room, in bytes. */
export function createMedia(folder: MediaFolder, download: Download, log: Log, room: WorkPlaces) {
  /** The last use of each file in use, by message and file. */
  const running = new Map<string, Promise<unknown>>();

  async function find(
    owner: MediaOwner,
    attachment: Attachment,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<FoundFile> {
    const kept = (await folder.list(owner.messageId))
      .find(({ fileId, ending }) => fileId === attachment.id && ending !== WORDS);
    const stored = kept && await folder.read(kept, maxBytes);
    if (stored) return { bytes: stored, kind: await kindOf(stored) };
    const bytes = await download(attachment.url, maxBytes, signal);
    const kind = await kindOf(bytes);
    await folder.keep({ ...owner, fileId: attachment.id }, endingOf(kind), bytes)
      .catch((error: unknown) => log.warn("Cannot keep a file of a person", { error }));
    return { bytes, kind };
  }

  return {
    /**
     * Gets a file, and has room for it until its use ends.
     *
     * @throws {FileError} If it cannot be read; or the signal's reason, or an error of the use.
     */
    async get<Result>(
      owner: MediaOwner,
      attachment: Attachment,
      maxBytes: number,
      signal: AbortSignal,
      use: (file: FoundFile) => Result | Promise<Result>,
    ): Promise<Result> {
      // By Discord's own figure, without a request.
      const { size = 0 } = attachment;
      if (size > maxBytes) {
        const why = `${sizeOf(size)}, and the limit is ${sizeOf(maxBytes)}`;
        throw new FileError(why);
      }
      const key = `${owner.messageId} ${attachment.id}`;
      const most = size === 0 ? maxBytes : Math.min(maxBytes, size + SPARE_BYTES);
      const using = (async () => {
        await running.get(key)?.catch(() => {}); // the disk has it then
        const free = await room.take(signal, most);
        return await find(owner, attachment, most, signal).then(use).finally(free);
      })();
      running.set(key, using);
      try {
        return await using;
      } finally {
        if (running.get(key) === using) running.delete(key);
      }
    },
    /** The images of an earlier message that are still kept, in the order of their ids. */
    async keptImages(messageId: MessageId, maxBytes: number): Promise<readonly FoundFile[]> {
      const images: FoundFile[] = [];
      let room = maxBytes;
      const files = (await folder.list(messageId))
        .filter(({ ending }) => IMAGE_ENDINGS.has(ending))
        .toSorted((one, other) => compareIds(one.fileId, other.fileId));
      for (const file of files) {
        const bytes = await folder.read(file, room);
        if (!bytes) continue;
        room -= bytes.length;
        images.push({ bytes, kind: await kindOf(bytes) });
      }
      return images;
    },
    /** The words that were kept for a file; `undefined` without any. */
    async keptWords({ messageId }: MediaOwner, { id }: Attachment): Promise<string | undefined> {
      const kept = (await folder.list(messageId))
        .find(({ fileId, ending }) => fileId === id && ending === WORDS);
      const bytes = kept && await folder.read(kept, MAX_WORDS_BYTES);
      return bytes && new TextDecoder().decode(bytes);
    },
    /** Keeps words for a file: a transcript has cost money. */
    async keepWords(owner: MediaOwner, { id: fileId }: Attachment, words: string): Promise<void> {
      await folder.keep({ ...owner, fileId }, WORDS, new TextEncoder().encode(words))
        .catch((error: unknown) => log.warn("Cannot keep a transcript", { error }));
    },
  };
}
