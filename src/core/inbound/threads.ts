/** Threads that answers open (S7). */

import { type ChannelId, type MessageId, parseSnowflake, type UserId } from "../discord/ids.ts";
import type { InboundMessage } from "./inbound.ts";
import { isAtDiscord } from "./origin.ts";

/** `threads` of a guild or channel. */
export interface ThreadRules {
  /** Answers that open a thread: none, those to mentions, or all. */
  readonly auto: "off" | "mention" | "all";
  /** The source of the title: the words of the message, or a request to the model. */
  readonly title: "words" | "model";
  /** Minutes without a message until Discord archives the thread. */
  readonly archiveAfterMin: number;
}

/** The rules of a place without `threads`. */
export const NO_THREADS: ThreadRules = { auto: "off", title: "words", archiveAfterMin: 1_440 };

export interface AnswerThread {
  /** Discord gives it the id of the message on which it is opened. */
  readonly threadId: ChannelId;
  readonly channelId: ChannelId;
  readonly askerId: UserId;
  /** The agent that answers the message, as its inbox row says; absent if there is none. */
  readonly agentId?: string;
  /** Title as first asked for, so that a crash asks no model again. */
  readonly title: string;
  /**
   * - `opening`: Discord may have it.
   * - `open`: Discord has it.
   * - `refused`: Discord did not permit it; the answer is in the channel.
   */
  readonly state: "opening" | "open" | "refused";
}

/**
 * The id of the thread that starts from a message.
 *
 * @throws {RangeError} If the message's id is none of Discord's.
 */
export function threadIdOf(messageId: MessageId): ChannelId {
  const id = parseSnowflake<"channel">(messageId);
  if (!id) throw new RangeError(`Cannot name the thread of message ${messageId}: it has no id`);
  return id;
}

/** Whether Discord permits a thread on a message: in a channel of a guild, outside of threads. */
export function canStartThread(
  message: Pick<InboundMessage, "place" | "origin">,
): boolean {
  const { place } = message;
  if (!isAtDiscord(message)) return false;
  return place.kind === "guild" && !place.thread && !place.isUnknown;
}

/** The message as if it stood in its thread: its answer goes there. */
export function inThread(
  message: InboundMessage,
  { threadId, title }: Pick<AnswerThread, "threadId" | "title">,
): InboundMessage {
  const { place } = message;
  if (place.kind !== "guild") return message;
  return {
    ...message,
    channelId: threadId,
    place: { ...place, thread: { id: threadId, name: title } },
  };
}
