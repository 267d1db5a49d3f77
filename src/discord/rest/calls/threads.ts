/**
 * Opens threads on messages, and adds people to them.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel#start-thread-from-message}
 *
 * @module
 */

import type { ChannelId, MessageId, UserId } from "../../../core/discord/ids.ts";
import type { RestApi } from "../client/client.ts";
import { RestError } from "../exchange/rest_error.ts";

/** Requests about threads. */
export interface ThreadCalls {
  /**
   * Opens the thread of a message, which has the id of the message.
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
  ): Promise<"opened" | "existed">;
  /**
   * Adds a person; again changes nothing.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  addMember(threadId: ChannelId, userId: UserId): Promise<void>;
}

/** Discord's error code for a message that has a thread. */
const HAS_THREAD = 160004;

/** The times after which Discord archives a thread, in minutes. */
const ARCHIVE_AFTER = [60, 1_440, 4_320, 10_080];

/** Creates the requests of one account. */
export function createThreadCalls(api: RestApi): ThreadCalls {
  return {
    async start(channelId, messageId, name, minutes) {
      const autoArchiveDuration = ARCHIVE_AFTER.find((allowed) => allowed >= minutes) ?? 10_080;
      try {
        await api.request("POST", `/channels/${channelId}/messages/${messageId}/threads`, {
          body: { name, autoArchiveDuration },
        });
        return "opened";
      } catch (error) {
        if (error instanceof RestError && error.code === HAS_THREAD) return "existed";
        throw error;
      }
    },
    async addMember(threadId, userId) {
      await api.request("PUT", `/channels/${threadId}/thread-members/${userId}`);
    },
  };
}
