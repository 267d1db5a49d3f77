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
  type AttachmentReader,
  attachmentsOf,
  MAX_IMAGES,
  MAX_IMAGES_BYTES,
  ownerOf,
  type ReadAttachmentsPorts,
} from "./read_attachments.ts";

/**
 * Reads the images of earlier turns from the disk, those of the newest turns first, as far as the
 * request takes more.
 *
 * @param messageIds Messages of the shown history whose turns showed images, oldest first.
 */
export async function earlierImages(
  messageIds: readonly MessageId[],
  images: readonly ModelImage[],
  media: Pick<AttachmentReader, "imagesOf">,
): Promise<ReadonlyMap<MessageId, readonly ModelImage[]>> {
  const found = new Map<MessageId, readonly ModelImage[]>();
  let room = MAX_IMAGES_BYTES - bytesOf(images);
  let count = MAX_IMAGES - images.length;
  for (const messageId of messageIds.toReversed()) {
    const shown = await media.imagesOf(messageId, room);
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
    readonly media: Pick<ReadAttachmentsPorts["media"], "get">;
    readonly maxBytes: () => number;
  },
): FindFile {
  return async (messages, name, signal) => {
    const [found] = messages.toReversed().flatMap((message) =>
      attachmentsOf(message)
        .filter(({ attachment }) => attachment.name === name)
        .toSorted((one, other) => rank(one) - rank(other))
        .map((file) => ({ ...file, message }))
    );
    if (!found) return undefined;
    const { message, attachment, owner } = found;
    const place = ownerOf(message, owner);
    return await media.get(place, attachment, maxBytes(), signal, ({ bytes }) => bytes);
  };
}

function rank({ owner }: ReturnType<typeof attachmentsOf>[number]): number {
  return owner === "message" ? 0 : 1;
}

/** Reads the files that tools made for the reply of a message's turn, as far as they are kept. */
export interface ReadMade {
  readonly drawn: (
    messageId: MessageId,
    ids: readonly string[],
  ) => Promise<readonly OutboundFile[]>;
  /** Reads a file of `send_file`. */
  readonly sent: (messageId: MessageId, id: string) => Promise<OutboundFile | undefined>;
}

/** Reads the files that the steps of a turn have made for its reply: drawn images first. */
export async function madeFiles(
  steps: readonly Step[],
  messageId: MessageId,
  read: ReadMade | undefined,
): Promise<readonly OutboundFile[]> {
  const drawn = idsFrom(steps, "draw", /drawing-(\d+)/);
  const sent = idsFrom(steps, "send_file", /file-(\d+)/);
  if (!read || drawn.length + sent.length === 0) return [];
  const files = await Promise.all(sent.map((id) => read.sent(messageId, id)));
  return [
    ...drawn.length > 0 ? await read.drawn(messageId, drawn) : [],
    ...files.filter((file) => file !== undefined),
  ];
}

/** The ids in the results of a tool, each once. */
function idsFrom(steps: readonly Step[], tool: string, pattern: RegExp): readonly string[] {
  let calls: readonly ToolCall[] = [];
  const ids = steps.flatMap((step) => {
    if (step.kind === "answer") calls = step.calls;
    if (step.kind !== "result" || step.end !== "done") return [];
    const isOfTool = calls.some(({ id, name }) => id === step.callId && name === tool);
    const [, id] = isOfTool && pattern.exec(step.text) || [];
    return id === undefined ? [] : [id];
  });
  return [...new Set(ids)];
}

/** The messages whose attachments a call may read, those of their quotes too. */
export const messagesOfAsker = ({ message, also = [] }: {
  readonly message: InboundMessage;
  readonly also?: readonly InboundMessage[];
}): readonly InboundMessage[] => [
  message,
  ...also.filter(({ sender }) => sender.id === message.sender.id),
];
