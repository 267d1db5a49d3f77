/**
 * Acts on Discord for the tool `discord`, with the rights of the asker (T4, T5).
 *
 * Each method rejects with an `Error` whose message tells the model why: the asker may not do it,
 * there is no such channel in the server of the turn, or Discord refuses.
 */

import type { ChannelId, MessageId, UserId } from "../../discord/ids.ts";
import type { EmbedContent } from "../../outbound/outbound.ts";
import type { SeenAt } from "../../rights/effects.ts";
import type { DiscordCall, ShownMessage, ToolTarget } from "./discord_call.ts";
import type {
  ActInChannel,
  ActInGuild,
  LimitPort,
  ReadersPort,
  SetPresence,
  UndoPort,
} from "./discord_place.ts";

export type { DiscordCall, ShownMessage } from "./discord_call.ts";

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
  /** `waits`: Discord does not have all of its messages yet. */
  readonly state: "sent" | "waits";
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

export interface DiscordPort {
  /** Sends a text once, also if a crash repeats the call. Waits some seconds for Discord. */
  send(call: DiscordCall, text: TextFor): Promise<SentText>;
  /** Reads messages that the policy lets a model see (P10), oldest first. */
  read(call: DiscordCall, range: {
    /** Absent: the channel of the turn. */
    readonly channelId?: ChannelId;
    /** 1 to 100, counted before the policy. */
    readonly limit: number;
    /** Only older messages. */
    readonly before?: MessageId;
    /** Only newer messages. */
    readonly after?: MessageId;
    /** As many older messages as newer ones, and the message itself. */
    readonly around?: MessageId;
  }): Promise<readonly ShownMessage[]>;
  readOne(call: DiscordCall, at: MessageAt): Promise<ShownMessage>;
  addReaction(call: DiscordCall, at: MessageAt, emoji: string): Promise<void>;
  /** Removes a reaction of the bot, or all of its reactions if `emoji` is empty. */
  removeReaction(call: DiscordCall, at: MessageAt, emoji: string): Promise<void>;
  edit(call: DiscordCall, at: MessageAt, text: string): Promise<void>;
  /**
   * Opens the thread of a message. A second call finds the same thread.
   *
   * @param archiveAfterMin As in {@link NewPost}; absent: a day.
   */
  openThread(
    call: DiscordCall,
    at: MessageAt,
    title: string,
    archiveAfterMin?: number,
  ): Promise<OpenedThread>;
  /** Opens a post in a forum. A second call finds the same post. */
  openPost(call: DiscordCall, post: NewPost): Promise<OpenedThread>;
  readonly inChannel: ActInChannel;
  /** Acts on a server on which the asker may do it. */
  readonly inGuild: ActInGuild;
  /** Changes the bot's status. Only owners of the bot may. */
  readonly setPresence: SetPresence;
  /**
   * Whether people see an effect who may not read the place of the turn, by the rights of this moment.
   *
   * @throws {RefusedCall} If the turn cannot reach that place; as a rejection.
   */
  isSeenByOthers(call: DiscordCall, at: SeenAt): Promise<boolean>;
  /** Asks the person whom the turn answers. */
  readonly readers: ReadersPort;
  /** Bounds the destructive actions of a turn. */
  readonly limit: LimitPort;
  /** Takes back what actions have done. */
  readonly undo: UndoPort;
}
