/**
 * Finds out where to post, for whoever was given an id alone: the guild of a
 * channel, or the channel in which the bot and one person talk.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RestApi } from "../client/client.ts";

export interface ChannelFacts {
  /** Absent of a direct channel. */
  readonly guildId?: GuildId;
}

/** @throws {RestError} If Discord does not tell: `not_found`, or `forbidden` where it is hidden. */
export type ReadChannel = (channelId: ChannelId) => Promise<ChannelFacts>;

const channelSchema = z.object({ guild_id: snowflakeSchema<"guild">().nullish() });

/** @see {@link https://docs.discord.com/developers/resources/channel#get-channel} */
export function createReadChannel(api: RestApi): ReadChannel {
  return async (channelId) => {
    const answer = await api.request("GET", `/channels/${channelId}`);
    const { guild_id: guildId } = expect("GET /channels/:id", channelSchema, answer);
    return guildId ? { guildId } : {};
  };
}

/**
 * Opens somebody's direct messages; asked for twice, it is the same channel. That it is open does
 * not say that they take messages: only sending one tells (50007).
 *
 * @throws {RestError} If Discord does not tell.
 */
export type OpenDirect = (userId: UserId) => Promise<ChannelId>;

const directSchema = z.object({ id: snowflakeSchema<"channel">() });

/** @see {@link https://docs.discord.com/developers/resources/user#create-dm} */
export function createOpenDirect(api: RestApi): OpenDirect {
  return async (userId) => {
    const answer = await api.request("POST", "/users/@me/channels", {
      body: { recipientId: userId },
    });
    return expect("POST /users/@me/channels", directSchema, answer).id;
  };
}
