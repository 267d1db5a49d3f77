/** A channel or thread, with the facts that tools show and change. */

import type { Overwrite } from "./permissions.ts";
import type { ChannelId, GuildId, MessageId, Snowflake, UserId } from "../discord/ids.ts";

/** Discord's numbers for the kinds of channels that tools name. */
export const CHANNEL_KINDS = {
  text: 0,
  voice: 2,
  category: 4,
  announcement: 5,
  announcementThread: 10,
  publicThread: 11,
  privateThread: 12,
  stage: 13,
  forum: 15,
  media: 16,
} as const;

export interface Channel {
  readonly id: ChannelId;
  /** Discord's number for its kind, one of {@link CHANNEL_KINDS}, or another. */
  readonly type: number;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Name for people; empty in direct messages. Untrusted. */
  readonly name: string;
  /** Category of a channel, or channel of a thread. */
  readonly parentId?: ChannelId;
  /** Absent if it has none. Untrusted. */
  readonly topic?: string;
  /** Place in the list of its category. */
  readonly position: number;
  readonly isNsfw: boolean;
  /** Seconds between two messages of a person; 0 without slow mode. */
  readonly slowmodeSec: number;
  /** Empty for a thread, which has those of its parent. */
  readonly overwrites: readonly Overwrite[];
  /** Absent if it has no messages. */
  readonly lastMessageId?: MessageId;
  readonly tags: readonly {
    readonly id: Snowflake;
    /** Name for people. Untrusted. */
    readonly name: string;
    /** Whether only people who manage threads may set it. */
    readonly isModerated: boolean;
  }[];
  /** Set for a thread. */
  readonly thread?: {
    /** Whether it is archived; a message opens it again. */
    readonly isArchived: boolean;
    /** Whether only people who manage threads may write. */
    readonly isLocked: boolean;
    /** The person or bot that opened it. */
    readonly ownerId?: UserId;
  };
}

export function isThread({ type }: Pick<Channel, "type">): boolean {
  return type === CHANNEL_KINDS.announcementThread || type === CHANNEL_KINDS.publicThread ||
    type === CHANNEL_KINDS.privateThread;
}

/** Whether messages of a channel exist only within posts, which are threads. */
export function isForum({ type }: Pick<Channel, "type">): boolean {
  return type === CHANNEL_KINDS.forum || type === CHANNEL_KINDS.media;
}

/** Whether people talk in a channel, too. */
export function isVoice({ type }: Pick<Channel, "type">): boolean {
  return type === CHANNEL_KINDS.voice || type === CHANNEL_KINDS.stage;
}
