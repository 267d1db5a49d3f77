/**
 * Asks which guild a channel is in, for whoever was given its id alone.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, GuildId } from "../../core/ids.ts";
import { snowflakeSchema } from "../../core/snowflake_schema.ts";
import { expect } from "./answer.ts";
import type { MessageApi } from "./messages.ts";

export interface ChannelFacts {
  /** Absent of a direct channel. */
  readonly guildId?: GuildId;
}

/** @throws {RestError} If Discord does not tell: `not_found`, or `forbidden` where it is hidden. */
export type ReadChannel = (channelId: ChannelId) => Promise<ChannelFacts>;

const channelSchema = z.object({ guild_id: snowflakeSchema<"guild">().nullish() });

/** @see {@link https://docs.discord.com/developers/resources/channel#get-channel} */
export function createReadChannel(api: MessageApi): ReadChannel {
  return async (channelId) => {
    const answer = await api.request("GET", `/channels/${channelId}`);
    const { guild_id: guildId } = expect("GET /channels/:id", channelSchema, answer);
    return guildId ? { guildId } : {};
  };
}
