/**
 * Acts on Discord for the tool `discord`, with the rights of the asker (T4, T5).
 *
 * Each method rejects with an `Error` whose message tells the model why: the asker may not do it,
 * there is no such channel in the server of the turn, or Discord refuses.
 */

import type { ChannelId, MessageId, UserId } from "../../discord/ids.ts";
import type { EmbedContent } from "../../outbound/outbound.ts";
import type { ToolTarget } from "./discord_call.ts";

export interface MessageAt {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  readonly messageId: MessageId;
}

export interface TextFor {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** A person to write to directly, in place of a channel: the asker, or for owners anyone. */
  readonly userId?: UserId;
  /** Empty only if a file or a box goes with it. */
  readonly text: string;
  /** The message that it replies to. */
  readonly replyTo?: MessageId;
  /** A file to attach, as {@link OutboundFilesPort.read} takes it. */
  readonly media?: string;
  /** A box below the text; absent: none. */
  readonly embed?: EmbedContent;
}

/** A stored text. Barnacle delivers it, even after a crash. */
export interface SentText extends Omit<ToolTarget, "parentId"> {
  readonly messageIds: readonly MessageId[];
  /** Its rows in the outbox, if Discord does not have all of its messages yet. */
  readonly waits?: readonly number[];
}

export interface OpenedThread {
  readonly threadId: ChannelId;
  readonly title: string;
  /** Whether the message had a thread already. */
  readonly existed: boolean;
}

export interface NewPost {
  readonly channelId: ChannelId;
  readonly title: string;
  /** Text of its first message. */
  readonly text: string;
  /** Names or ids of the forum's tags. */
  readonly tags: readonly string[];
  /** Minutes without a message after which Discord archives it: a time that Discord knows. */
  readonly archiveAfterMin?: number;
}
