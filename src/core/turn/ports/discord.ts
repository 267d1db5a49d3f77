/**
 * Acts on Discord for the tool `discord`, with the rights of the asker (T4, T5).
 *
 * Each method rejects with an `Error` whose message tells the model why: the asker may not do it,
 * there is no such channel in the server of the turn, or Discord refuses.
 *
 * @module
 */

import type { ChannelId, MessageId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";

/** The call of a tool: who asks, where, and in which step of the turn. */
export interface DiscordCall {
  /** The message whose turn calls the tool. */
  readonly message: InboundMessage;
  /** Key of the turn's session. Actions of a session run in the order of their calls. */
  readonly sessionKey: string;
  /** Identifies the call, also after a crash. */
  readonly callKey: string;
  /** Aborted when the call takes too long. */
  readonly signal: AbortSignal;
}

/** A message by its channel. */
export interface MessageAt {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** Discord's id of the message. */
  readonly messageId: MessageId;
}

/** A text for a channel. */
export interface TextFor {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** Text of the message. */
  readonly text: string;
  /** The message that it replies to. */
  readonly replyTo?: MessageId;
}

/** A stored text. Barnacle delivers it, even after a crash. */
export interface SentText {
  /** The channel or thread. */
  readonly channelId: ChannelId;
  /** Ids of its messages that Discord has. */
  readonly messageIds: readonly MessageId[];
  /** `waits`: Discord does not have all of its messages yet. */
  readonly state: "sent" | "waits";
}

/** A message as the model reads it. */
export interface ShownMessage {
  /** Discord's id of the message. */
  readonly id: MessageId;
  /** The author, untrusted; `"you"` for the bot itself. */
  readonly from: string;
  /** The author's user id. */
  readonly fromId: string;
  /** The text, with a line for each extra. Untrusted. */
  readonly text: string;
  /** Discord's time of the message. */
  readonly timestamp: string;
  /** The same in Unix time, in milliseconds. */
  readonly timestampMs: number;
  /** The message that it replies to; absent if it is no reply. */
  readonly replyTo?: MessageId;
}

/** A range of messages: the newest, or those before or after a message. */
export interface ReadRange {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** 1 to 100, counted before the policy. */
  readonly limit: number;
  /** Only older messages. */
  readonly before?: MessageId;
  /** Only newer messages. */
  readonly after?: MessageId;
}

/** An opened thread. */
export interface OpenedThread {
  /** The thread. */
  readonly threadId: ChannelId;
  /** Its title, as shown. */
  readonly title: string;
  /** Whether the message had a thread already. */
  readonly existed: boolean;
}

/** What the tool can do on Discord. */
export interface DiscordPort {
  /** Sends a text once, also if a crash repeats the call. Waits some seconds for Discord. */
  send(call: DiscordCall, text: TextFor): Promise<SentText>;
  /** Reads messages that the policy lets a model see (P10), oldest first. */
  read(call: DiscordCall, range: ReadRange): Promise<readonly ShownMessage[]>;
  /** Reads one message. */
  readOne(call: DiscordCall, at: MessageAt): Promise<ShownMessage>;
  /** Adds a reaction of the bot. */
  addReaction(call: DiscordCall, at: MessageAt, emoji: string): Promise<void>;
  /** Removes a reaction of the bot, or all of its reactions if `emoji` is empty. */
  removeReaction(call: DiscordCall, at: MessageAt, emoji: string): Promise<void>;
  /** Replaces the text of a message of the bot. */
  edit(call: DiscordCall, at: MessageAt, text: string): Promise<void>;
  /** Deletes a message. Others' messages need the asker's Manage Messages. */
  remove(call: DiscordCall, at: MessageAt): Promise<void>;
  /** Opens the thread of a message. A second call finds the same thread. */
  openThread(call: DiscordCall, at: MessageAt, title: string): Promise<OpenedThread>;
}
