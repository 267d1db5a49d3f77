/**
 * Contracts of the requests to Discord that flows make.
 *
 * `discord/rest/requests/` implements them. Flows take the part that they need.
 */

import type { OutboundFile, OutboundMessage, PostOutcome } from "./outbound.ts";
import type { ChannelId, MessageId, UserId } from "../discord/ids.ts";

/** Creates, edits and deletes messages. */
export interface Messages {
  /**
   * Creates a message.
   *
   * If Discord refuses its quote, the message is sent again without it; if it refuses a card, as
   * text. That is safe: the refused request has created nothing, and all have the same nonce.
   *
   * @param files At most ten.
   * @param notAfter Unix time in milliseconds after which the request must not leave, because
   * Discord may have forgotten the nonce of an earlier attempt. The request waits for a rate limit
   * that ends before.
   */
  create(
    message: OutboundMessage,
    files: readonly OutboundFile[],
    notAfter: number,
  ): Promise<PostOutcome>;
  /**
   * Replaces the text of a posted message; a card that Discord refuses becomes text. Its quote stays.
   * Its buttons stay unless `message` has buttons.
   *
   * @param files They replace the message's files; if empty, those stay.
   * @param priority `spare`: fails as `unsent` if it cannot leave at once.
   * @returns `created` if the message has the new text; `already_gone` if it was deleted.
   */
  edit(
    messageId: MessageId,
    message: OutboundMessage,
    files: readonly OutboundFile[],
    priority?: "spare",
  ): Promise<PostOutcome>;
  /**
   * Deletes a message.
   *
   * @returns `created` if it is deleted now; `already_gone` if another user has deleted it.
   */
  delete(channelId: ChannelId, messageId: MessageId): Promise<PostOutcome>;
}

export interface ThreadRequests {
  /**
   * Opens the thread of a message. At Discord, it has the id of the message.
   *
   * @param minutes Rounded up to a time that Discord knows.
   * @returns `existed` if the message has a thread already: a repeated request changes nothing.
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  start(
    channelId: ChannelId,
    messageId: MessageId,
    name: string,
    minutes: number,
  ): Promise<{ readonly threadId: ChannelId; readonly existed: boolean }>;
  /**
   * Adds a person; again changes nothing.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  addMember(threadId: ChannelId, userId: UserId): Promise<void>;
  /**
   * Archives a thread; again changes nothing. The next message there opens it.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  archive(threadId: ChannelId): Promise<void>;
}

/**
 * Adds and removes the bot's own reactions. Never retried.
 *
 * The emoji is a Unicode emoji, `"👀"`, or a custom one in message syntax, `"<:krill:123>"`.
 */
export interface Reactions {
  /**
   * Adds a reaction.
   *
   * @throws {RestError} `unsent` without spare capacity.
   */
  add(channelId: ChannelId, messageId: MessageId, emoji: string): Promise<void>;
  /**
   * Removes a reaction.
   *
   * @throws {RestError} `unsent` without spare capacity.
   */
  remove(channelId: ChannelId, messageId: MessageId, emoji: string): Promise<void>;
}

/**
 * Opens the direct channel of a user; a repeated call returns the same channel. An open channel
 * does not mean that the user accepts messages: only sending one tells (50007).
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type OpenDirect = (userId: UserId) => Promise<ChannelId>;

/**
 * Shows the typing indicator for ten seconds, or until the bot posts a message there. Never
 * retried.
 *
 * @throws {RestError} `unsent` without spare capacity.
 */
export type ShowTyping = (channelId: ChannelId) => Promise<void>;

export interface RequestMetric {
  /** Path without ids: `"/channels/:id/messages"`. */
  readonly route: string;
  readonly method: string;
  /** HTTP status; absent if no response came. */
  readonly status?: number;
  /** Of a 429: the scope of the limit; `none` if Discord does not name it. */
  readonly scope?: string;
}
