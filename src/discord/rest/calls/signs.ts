/**
 * What people see while they wait: that the bot types, and that it has read.
 *
 * A sign is worth a request only where there is room for one, so these leave at
 * once or not at all.
 *
 * @module
 */

import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { RestApi } from "../client/client.ts";

/**
 * Shows typing for ten seconds, or until the bot has said something there. Asked for once, and only
 * where there is room for it.
 *
 * @throws {RestError} `unsent` where there is none.
 */
export type ShowTyping = (channelId: ChannelId) => Promise<void>;

/** @see {@link https://docs.discord.com/developers/resources/channel#trigger-typing-indicator} */
export function createShowTyping(api: RestApi): ShowTyping {
  return async (channelId) => {
    await api.request("POST", `/channels/${channelId}/typing`, { priority: "spare" });
  };
}

/**
 * Reactions of the bot's own. Each is asked for once.
 *
 * The emoji is one of Unicode's, `"👀"`, or a custom one as it is written in a message, `"<:krill:123>"`.
 */
export interface Reactions {
  /** @throws {RestError} `unsent` where there is no room for it now. */
  add(channelId: ChannelId, messageId: MessageId, emoji: string): Promise<void>;
  /** @throws {RestError} `unsent` where there is no room for it now. */
  remove(channelId: ChannelId, messageId: MessageId, emoji: string): Promise<void>;
}

/** @see {@link https://docs.discord.com/developers/resources/message#create-reaction} */
export function createReactions(api: RestApi): Reactions {
  const ask = async (
    method: "PUT" | "DELETE",
    channelId: ChannelId,
    messageId: MessageId,
    emoji: string,
  ): Promise<void> => {
    const name = encodeURIComponent(emojiInPath(emoji));
    const path = `/channels/${channelId}/messages/${messageId}/reactions/${name}/@me`;
    await api.request(method, path, { priority: "spare" });
  };
  return {
    add: (...on) => ask("PUT", ...on),
    remove: (...on) => ask("DELETE", ...on),
  };
}

/** Discord's API takes `"name:id"` where its clients write `"<:name:id>"`, or `"<a:…>"` where it moves. */
function emojiInPath(emoji: string): string {
  const [, custom] = /^<a?:(\w+:\d+)>$/.exec(emoji) ?? [];
  return custom ?? emoji;
}
