/**
 * Reads the files of the messages that one turn answers (H7, S5).
 *
 * All messages of a turn share the room that one request has for images and for texts of files.
 * Messages that join the turn later get the rest of it, so the beginning of the request stays.
 *
 * Gives the texts of these messages too, each as the model reads it (H3).
 */

import type { BotAccount } from "../../account/account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ModelImage } from "../../core/model.ts";
import type { Step } from "../../core/step.ts";
import type { KeptImage, ReadAttachment } from "../../core/turn/media.ts";
import {
  attachmentsOf,
  earlierImages,
  type FileRoom,
  filesOf,
  MAX_IMAGES,
  MAX_IMAGES_BYTES,
  readAttachments,
} from "../media/files.ts";
import type { Entry, PartedText } from "../../core/inbound/transcript.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";

/** Creates the files of a turn; none is read yet. */
export function createTurnAttachments(
  account: BotAccount,
  { agentId, takesImages, maxChars }: {
    readonly agentId: string;
    readonly takesImages: boolean;
    /** Maximum UTF-16 units of the texts of all files. */
    readonly maxChars: number;
  },
) {
  const read = new Map<MessageId, readonly ReadAttachment[]>();
  const shares = new Map<MessageId, number>();
  let earlier: readonly ModelImage[] = [];
  const ofResults = new Map<string, ModelImage>();
  let freeChars = maxChars;

  const imagesOf = (messageIds: Iterable<MessageId>) =>
    [...messageIds].flatMap((id) => read.get(id) ?? []).flatMap(({ result }) =>
      result.kind === "image" ? [result.image] : []
    );

  function shareOf(count: number): Omit<FileRoom, "chars"> {
    const shown = [...imagesOf(read.keys()), ...earlier, ...ofResults.values()];
    const bytes = MAX_IMAGES_BYTES - shown.reduce((sum, { data }) => sum + data.length, 0);
    return {
      bytes: Math.max(0, Math.floor(bytes / count)),
      count: Math.max(0, Math.floor((MAX_IMAGES - shown.length) / count)),
    };
  }

  return {
    /**
     * Reads the files of messages that were not read yet. Never fails, except with the signal's
     * reason.
     */
    async read(messages: readonly InboundMessage[], signal: AbortSignal): Promise<void> {
      const unread = messages.filter(({ id }) => !read.has(id));
      const withAttachments = unread.filter((message) => attachmentsOf(message).length > 0);
      for (const { id } of unread) read.set(id, []);
      if (withAttachments.length === 0) return;
      const { length: count } = withAttachments;
      const share = Math.floor(freeChars / count);
      const room = shareOf(count);
      await Promise.all(withAttachments.map(async (message) => {
        const found = await readAttachments(
          account,
          message,
          { agentId, takesImages, room: { ...room, chars: share } },
          signal,
        );
        read.set(message.id, found);
        shares.set(message.id, share);
        freeChars -= Math.min(share, charsOf(found));
      }));
    },
    of: (messageId: MessageId): readonly ReadAttachment[] => read.get(messageId) ?? [],
    /** Maximum UTF-16 units of the texts of a message's files. */
    charsFor: (messageId: MessageId): number => shares.get(messageId) ?? 0,
    /** The images of messages, in their order. */
    imagesOf,
    showsEarlier: (images: readonly ModelImage[]): void => void (earlier = images),
    /**
     * Keeps an image of a tool's result, and shows it to the model if it can see it.
     *
     * @throws {FileError} If it cannot be kept, with the reason.
     */
    async keepImage(message: InboundMessage, bytes: Uint8Array): Promise<KeptImage> {
      const { id, image } = await filesOf(account).shown.keep(message, bytes);
      const kept = { id, name: `${message.id}-${id}` };
      if (!takesImages) return { ...kept, unseen: "the model takes no images" };
      const room = shareOf(1);
      if (room.count === 0 || bytes.length > room.bytes) {
        return { ...kept, unseen: "there are too many images at once" };
      }
      ofResults.set(id, image);
      return kept;
    },
    /** Reads the kept images of results of stored steps. */
    async readKept(messageId: MessageId, steps: readonly Step[]): Promise<void> {
      const ids = steps.flatMap((step) => step.kind === "result" ? step.images ?? [] : []);
      if (ids.length === 0 || !takesImages) return;
      const kept = await filesOf(account).shown.read(messageId, ids);
      for (const { id, image } of kept) ofResults.set(id, image);
    },
    /** The kept images by their ids, in that order. */
    keptImages: (ids: readonly string[]): readonly ModelImage[] =>
      ids.flatMap((id) => ofResults.get(id) ?? []),
  };
}

export type TurnAttachments = ReturnType<typeof createTurnAttachments>;

/** Reads the images of earlier turns, as far as those of this turn leave room. */
export async function imagesOfEarlier(
  account: BotAccount,
  messageIds: readonly MessageId[],
  { claim }: { readonly claim: Claim },
  ofTurn: TurnAttachments,
): Promise<ReadonlyMap<MessageId, readonly ModelImage[]>> {
  const shown = ofTurn.imagesOf(messagesOf(claim).map(({ id }) => id));
  const earlier = await earlierImages(account, messageIds, shown);
  ofTurn.showsEarlier([...earlier.values()].flat());
  return earlier;
}

/** UTF-16 units of the texts of files. */
function charsOf(attachments: readonly ReadAttachment[]): number {
  return attachments.reduce((sum, { result }) => {
    const isText = result.kind === "text" || result.kind === "transcript";
    return sum + (isText ? result.text.length : 0);
  }, 0);
}

/**
 * Creates the texts of a turn.
 *
 * @param claimNow The claim with the messages that have joined so far.
 * @param joined Messages that joined the turn by stored steps: these are not first.
 * @param render The text of a message; the first one has the context of the channel.
 */
export function createTurnTexts(
  claimNow: () => Claim,
  joined: ReadonlySet<MessageId>,
  render: (message: InboundMessage, isFirst: boolean) => PartedText,
) {
  const begun = claimNow();
  const { message: firstMessage, also } = begun;
  const initial = also
    ? messagesOf(begun).filter(({ id }) => id === firstMessage.id || !joined.has(id))
    : [firstMessage];
  const rendered = new Map<MessageId, PartedText>();

  function textOf(message: InboundMessage): PartedText {
    let text = rendered.get(message.id);
    if (text === undefined) {
      text = render(message, message.id === firstMessage.id);
      rendered.set(message.id, text);
    }
    return text;
  }

  return {
    begunWith: (): readonly MessageId[] => initial.map(({ id }) => id),
    first: (): string => initial.map((message) => textOf(message).text).join("\n\n"),
    /** The same as entries of the transcript, one for each message. */
    entries: (at: number): readonly Entry[] =>
      initial.map((message) => ({ role: "user", ...textOf(message), messageId: message.id, at })),
    /** Text of a message that joined later; `undefined` if it is no part of the turn any more. */
    of(messageId: MessageId): PartedText | undefined {
      const message = messagesOf(claimNow()).find(({ id }) => id === messageId);
      return message && textOf(message);
    },
    /** Ids that the words of all of them are from. */
    sources: (): ReadonlySet<string> =>
      new Set(
        messagesOf(claimNow()).flatMap((message) =>
          textOf(message).parts.flatMap(({ of = [] }) => of)
        ),
      ),
    all: (): readonly string[] => messagesOf(claimNow()).map((message) => textOf(message).text),
  };
}

export type TurnTexts = ReturnType<typeof createTurnTexts>;
