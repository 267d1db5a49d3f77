/**
 * Shows the typing indicator and reactions while people wait for a reply.
 *
 * These requests use only spare capacity: they leave at once or not at all.
 *
 * @module
 */

import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

/**
 * Shows the typing indicator for ten seconds, or until the bot posts a message there. Never
 * retried.
 *
 * @throws {RestError} `unsent` without spare capacity.
 */
export type ShowTyping = (channelId: ChannelId) => Promise<void>;

/**
 * Creates a {@link ShowTyping}.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel#trigger-typing-indicator}
 */
export function createShowTyping(api: RestApi): ShowTyping {
  return async (channelId) => {
    await api.request("POST", `/channels/${channelId}/typing`, { priority: "spare" });
  };
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
 * Creates the reactions of one account.
 *
 * @param options Options of each request; by default, they use only spare capacity.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#create-reaction}
 */
export function createReactions(
  api: RestApi,
  options: RequestOptions = { priority: "spare" },
): Reactions {
  const send = async (
    method: "PUT" | "DELETE",
    channelId: ChannelId,
    messageId: MessageId,
    emoji: string,
  ): Promise<void> => {
    const name = encodeURIComponent(emojiInPath(emoji));
    const path = `/channels/${channelId}/messages/${messageId}/reactions/${name}/@me`;
    await api.request(method, path, options);
  };
  return {
    add: (...target) => send("PUT", ...target),
    remove: (...target) => send("DELETE", ...target),
  };
}

/**
 * Converts a custom emoji for the API: messages have `"<:name:id>"`, or `"<a:…>"` if animated; the
 * API takes `"name:id"`.
 */
function emojiInPath(emoji: string): string {
  const [, custom] = /^<a?:(\w+:\d+)>$/.exec(emoji) ?? [];
  return custom ?? emoji;
}
