/**
 * Shows the typing indicator and reactions while people wait for a reply.
 *
 * These requests use only spare capacity: they leave at once or not at all.
 */

import type { Reactions, ShowTyping } from "../../../core/outbound/requests.ts";
import { emojiInPath } from "../../../core/discord/emoji.ts";
import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

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
