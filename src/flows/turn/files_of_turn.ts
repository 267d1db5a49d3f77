/**
 * Reads the files of the messages that one turn answers (H7, S5).
 *
 * All messages of a turn share the room that one request has for images and for texts of files.
 * Messages that join the turn later get the rest of it, so the beginning of the request stays.
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ModelImage } from "../../core/model.ts";
import type { ReadFile } from "../../core/turn/media.ts";
import {
  filesOf,
  type ImageRoom,
  MAX_IMAGES,
  MAX_IMAGES_BYTES,
  type TurnFiles,
} from "../media/read_files.ts";

/** The files of one turn. */
export interface FilesOfTurn {
  /**
   * Reads the files of messages that were not read yet. Never fails, except with the signal's
   * reason.
   */
  read(messages: readonly InboundMessage[], signal: AbortSignal): Promise<void>;
  /** The files of a message, as far as they were read. */
  of(messageId: MessageId): readonly ReadFile[];
  /** Maximum UTF-16 units of the texts of a message's files. */
  charsFor(messageId: MessageId): number;
  /** The images of messages, in their order. */
  imagesOf(messageIds: readonly MessageId[]): readonly ModelImage[];
  /** Notes the images of earlier turns that the request shows, too. */
  showsEarlier(images: readonly ModelImage[]): void;
}

/** The model's part in reading. */
export interface FilesRules {
  /** Whether the model takes images. */
  readonly takesImages: boolean;
  /** Maximum UTF-16 units of the texts of all files. */
  readonly maxChars: number;
}

/**
 * Creates the files of a turn; none is read yet.
 *
 * @param files Absent: no turn gets any.
 */
export function createFilesOfTurn(
  files: Pick<TurnFiles, "read"> | undefined,
  { takesImages, maxChars }: FilesRules,
): FilesOfTurn {
  const read = new Map<MessageId, readonly ReadFile[]>();
  const shares = new Map<MessageId, number>();
  let earlier: readonly ModelImage[] = [];
  let freeChars = maxChars;

  const imagesOf = (messageIds: Iterable<MessageId>) =>
    [...messageIds].flatMap((id) => read.get(id) ?? []).flatMap(({ result }) =>
      result.kind === "image" ? [result.image] : []
    );

  /** An equal part of the rest of the room. */
  function shareOf(count: number): ImageRoom {
    const shown = [...imagesOf(read.keys()), ...earlier];
    const bytes = MAX_IMAGES_BYTES - shown.reduce((sum, { data }) => sum + data.length, 0);
    return {
      bytes: Math.max(0, Math.floor(bytes / count)),
      count: Math.max(0, Math.floor((MAX_IMAGES - shown.length) / count)),
    };
  }

  return {
    async read(messages, signal) {
      const unread = messages.filter(({ id }) => !read.has(id));
      const withFiles = unread.filter((message) => filesOf(message).length > 0);
      for (const { id } of unread) read.set(id, []);
      if (!files || withFiles.length === 0) return;
      const { length: count } = withFiles;
      const share = Math.floor(freeChars / count);
      const room = shareOf(count);
      await Promise.all(withFiles.map(async (message) => {
        const found = await files.read(message, { takesImages, room: { ...room } }, signal);
        read.set(message.id, found);
        shares.set(message.id, share);
        freeChars -= Math.min(share, charsOf(found));
      }));
    },
    of: (messageId) => read.get(messageId) ?? [],
    charsFor: (messageId) => shares.get(messageId) ?? 0,
    imagesOf,
    showsEarlier: (images) => void (earlier = images),
  };
}

/** UTF-16 units of the texts of files. */
function charsOf(files: readonly ReadFile[]): number {
  return files.reduce((sum, { result }) => {
    const isText = result.kind === "text" || result.kind === "transcript";
    return sum + (isText ? result.text.length : 0);
  }, 0);
}
