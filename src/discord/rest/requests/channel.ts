/**
 * Finds the place to post of an id (a channel's guild, a person's direct channel), and opens threads.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel}
 */

import type { OpenDirect, ThreadRequests } from "../../../core/outbound/requests.ts";
import { z } from "zod";
import { type ChannelId, type GuildId, parseSnowflake } from "../../../core/discord/ids.ts";
import { optional } from "../../../core/discord/lenient.ts";
import { isThread } from "../../../core/rights/channel.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect, RestError } from "../exchange/rest_error.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

interface ChannelInfo {
  /** Absent for a direct channel. */
  readonly guildId?: GuildId;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
  /** Untrusted; absent for direct channels of one person. */
  readonly name?: string;
}

const placeSchema = z.object({
  guild_id: snowflakeSchema<"guild">().nullish(),
  type: optional(z.number()),
  name: optional(z.string()),
  parent_id: snowflakeSchema<"channel">().nullish(),
});

/**
 * Creates the reading of a channel's place. It rejects with a `RestError`: `not_found`, or `forbidden`
 * for a hidden channel.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel#get-channel}
 */
export function createReadChannel(api: RestApi, options: RequestOptions = {}) {
  return async (channelId: ChannelId): Promise<ChannelInfo> => {
    const answer = await api.request("GET", `/channels/${channelId}`, options);
    const { guild_id, parent_id, type, name } = expect("GET /channels/:id", placeSchema, answer);
    return {
      guildId: guild_id || undefined,
      name,
      parentId: type !== undefined && isThread({ type }) && parent_id || undefined,
    };
  };
}

/** Creates a look-up: `"hidden"` for a channel that the bot may not see, `undefined` for none. */
export function createFindChannel(
  api: RestApi,
): (channelId: ChannelId) => Promise<ChannelInfo | "hidden" | undefined> {
  const read = createReadChannel(api, {});
  return async (channelId) => {
    try {
      return await read(channelId);
    } catch (error) {
      if (!(error instanceof RestError) || error.code === undefined) throw error;
      if (error.kind === "forbidden") return "hidden";
      if (error.kind === "not_found") return undefined;
      throw error;
    }
  };
}

const idSchema = z.object({ id: snowflakeSchema<"channel">() });

/**
 * Creates an {@link OpenDirect}.
 *
 * @see {@link https://docs.discord.com/developers/resources/user#create-dm}
 */
export function createOpenDirect(api: RestApi): OpenDirect {
  return async (userId) => {
    const answer = await api.request("POST", "/users/@me/channels", {
      body: { recipientId: userId },
    });
    return expect("POST /users/@me/channels", idSchema, answer).id;
  };
}

/** Discord's error code for a message that has a thread. */
const HAS_THREAD = 160004;

/** The times after which Discord archives a thread, in minutes. */
const ARCHIVE_AFTER = [60, 1_440, 4_320, 10_080];

/** The next time that Discord knows, for a time in minutes. */
function archiveDuration(minutes: number): number {
  return ARCHIVE_AFTER.find((allowed) => allowed >= minutes) ?? 10_080;
}

export function createThreadRequests(api: RestApi): ThreadRequests {
  return {
    async start(channelId, messageId, name, minutes) {
      const autoArchiveDuration = archiveDuration(minutes);
      try {
        const path = `/channels/${channelId}/messages/${messageId}/threads`;
        const answer = await api.request("POST", path, { body: { name, autoArchiveDuration } });
        const { id } = expect("POST /channels/:id/messages/:id/threads", idSchema, answer);
        return { threadId: id, existed: false };
      } catch (error) {
        const hasThread = error instanceof RestError && error.code === HAS_THREAD;
        const threadId = hasThread ? parseSnowflake<"channel">(messageId) : undefined;
        if (threadId === undefined) throw error;
        return { threadId, existed: true };
      }
    },
    async addMember(threadId, userId) {
      await api.request("PUT", `/channels/${threadId}/thread-members/${userId}`);
    },
    async archive(threadId) {
      await api.request("PATCH", `/channels/${threadId}`, { body: { archived: true } });
    },
  };
}
