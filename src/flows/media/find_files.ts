/**
 * Finds files again: the images of earlier turns, those that tools have drawn, and a turn's file by
 * its name.
 *
 * With earlier images people can ask more about a picture, and the beginning of the request stays
 * the same for the provider's cache.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { ModelImage, ToolCall } from "../../core/model.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import type { Step } from "../../core/step.ts";
import {
  filesOf,
  MAX_IMAGES,
  MAX_IMAGES_BYTES,
  ownerOf,
  type ReadFilesPorts,
  type TurnFiles,
} from "./read_files.ts";

/**
 * Reads the images of earlier turns from the disk, those of the newest turns first, as far as the
 * request takes more.
 *
 * @param messageIds Messages of the shown history whose turns showed images, oldest first.
 */
export async function earlierImages(
  messageIds: readonly MessageId[],
  images: readonly ModelImage[],
  files: Pick<TurnFiles, "imagesOf">,
): Promise<ReadonlyMap<MessageId, readonly ModelImage[]>> {
  const found = new Map<MessageId, readonly ModelImage[]>();
  let room = MAX_IMAGES_BYTES - bytesOf(images);
  let count = MAX_IMAGES - images.length;
  for (const messageId of messageIds.toReversed()) {
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

/**
 * Reads a file of some messages, or of their quotes. Of several with one name, it reads that of the
 * last message, and the message's own before that of its quote.
 *
 * @returns `undefined` if there is no such file.
 * @throws {FileError} If it cannot be read; or the signal's reason.
 */
export type FindFile = (
  messages: readonly InboundMessage[],
  name: string,
  signal: AbortSignal,
) => Promise<Uint8Array | undefined>;

/** Creates the reading. A file comes from the disk; from Discord only if it is not kept. */
export function createFindFile(
  { media, maxBytes }: {
    readonly media: Pick<ReadFilesPorts["media"], "get">;
    readonly maxBytes: () => number;
  },
): FindFile {
  return async (messages, name, signal) => {
    const [found] = messages.toReversed().flatMap((message) =>
      filesOf(message)
        .filter(({ attachment }) => attachment.name === name)
        .toSorted((one, other) => rank(one) - rank(other))
        .map((file) => ({ ...file, message }))
    );
    if (!found) return undefined;
    const { message, attachment, owner } = found;
    const { bytes } = await media.get(ownerOf(message, owner), attachment, maxBytes(), signal);
    return bytes;
  };
}

function rank({ owner }: ReturnType<typeof filesOf>[number]): number {
  return owner === "message" ? 0 : 1;
}

/** Reads drawn images of a message's turn by their ids. */
export type ReadDrawn = (
  messageId: MessageId,
  ids: readonly string[],
) => Promise<readonly OutboundFile[]>;

/** Reads the images that the steps of a turn have drawn, in their order. */
export async function drawnFiles(
  steps: readonly Step[],
  messageId: MessageId,
  read: ReadDrawn | undefined,
): Promise<readonly OutboundFile[]> {
  const ids = drawnBy(steps);
  return ids.length === 0 || !read ? [] : await read(messageId, ids);
}

/** The ids of drawn images, from the results of the tool `draw`. */
function drawnBy(steps: readonly Step[]): readonly string[] {
  let calls: readonly ToolCall[] = [];
  return steps.flatMap((step) => {
    if (step.kind === "answer") calls = step.calls;
    if (step.kind !== "result" || step.end !== "done") return [];
    const isDraw = calls.some(({ id, name }) => id === step.callId && name === "draw");
    const [, id] = isDraw && /drawing-(\d+)/.exec(step.text) || [];
    return id === undefined ? [] : [id];
  });
}
