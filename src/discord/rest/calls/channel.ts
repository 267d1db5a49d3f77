/**
 * Resolves an id to a place to post: the guild of a channel, or the direct channel of a person.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RestApi } from "../client/client.ts";

/** The place of a channel. */
export interface ChannelInfo {
  /** Absent for a direct channel. */
  readonly guildId?: GuildId;
}

/**
 * Reads the guild of a channel.
 *
 * @throws {RestError} If Discord does not answer, or refuses: `not_found`, or `forbidden` for a
 * hidden channel.
 */
export type ReadChannel = (channelId: ChannelId) => Promise<ChannelInfo>;

const channelSchema = z.object({ guild_id: snowflakeSchema<"guild">().nullish() });

/**
 * Creates a {@link ReadChannel}.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel#get-channel}
 */
export function createReadChannel(api: RestApi): ReadChannel {
  return async (channelId) => {
    const answer = await api.request("GET", `/channels/${channelId}`);
    const { guild_id: guildId } = expect("GET /channels/:id", channelSchema, answer);
    return guildId ? { guildId } : {};
  };
}

/**
 * Opens the direct channel of a user; a repeated call returns the same channel. An open channel
 * does not mean that the user accepts messages: only sending one tells (50007).
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type OpenDirect = (userId: UserId) => Promise<ChannelId>;

const directSchema = z.object({ id: snowflakeSchema<"channel">() });

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
    return expect("POST /users/@me/channels", directSchema, answer).id;
  };
}
