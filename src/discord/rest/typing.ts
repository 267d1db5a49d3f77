/**
 * Shows that the bot types.
 *
 * @module
 */

import type { ChannelId } from "../../core/ids.ts";
import type { MessageApi } from "./messages.ts";

/**
 * Shows typing for ten seconds, or until the bot has said something there. Asked for once, and only
 * where there is room for it.
 *
 * @throws {RestError} `unsent` where there is none.
 */
export type ShowTyping = (channelId: ChannelId) => Promise<void>;

/** @see {@link https://docs.discord.com/developers/resources/channel#trigger-typing-indicator} */
export function createTyping(api: MessageApi): ShowTyping {
  return async (channelId) => {
    await api.request("POST", `/channels/${channelId}/typing`, { priority: "spare" });
  };
}
