/**
 * Lists the bot's guilds and their channels, for callers without a gateway connection.
 *
 * @module
 */

import { ChannelTypes } from "@discordeno/types";
import { z } from "zod";
import type { ChannelId, GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

/** A guild of the bot. */
export interface OwnGuild extends Named<GuildId> {
  /** The bot's permissions in the guild as a whole; absent if Discord does not report them. */
  readonly permissions?: bigint;
}

/** Lists the bot's guilds and their channels. */
export interface GuildList {
  /**
   * Lists all guilds of the bot.
   *
   * @throws {RestError} If Discord does not answer, or refuses.
   */
  guilds(): Promise<readonly OwnGuild[]>;
  /**
   * Lists the channels that a guild's rules can name: all but categories, without threads.
   *
   * @throws {RestError} If Discord does not answer, or refuses: `not_found` or `forbidden` for a
   * guild without the bot.
   */
  channels(guildId: GuildId): Promise<readonly Named<ChannelId>[]>;
}

/** Maximum number of guilds in one response; a bot may be in many more. */
const PAGE = 200;

const guildsSchema = z.array(
  z.object({
    id: snowflakeSchema<"guild">(),
    name: z.string(),
    permissions: z.string().regex(/^\d{1,39}$/).transform(BigInt).optional(),
  }).transform(({ permissions, ...named }): OwnGuild => ({
    ...named,
    permissions,
  })),
);

const channelsSchema = z.array(z.object({
  id: snowflakeSchema<"channel">(),
  type: z.number(),
  name: z.string().nullish(),
}));

/**
 * Creates the list for one client.
 *
 * @see {@link https://docs.discord.com/developers/resources/user#get-current-user-guilds}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createGuildList(api: RestApi, options: RequestOptions = {}): GuildList {
  return {
    async guilds() {
      const guilds = new Map<GuildId, OwnGuild>();
      for (let after = "0";;) {
        const path = `/users/@me/guilds?limit=${PAGE}&after=${after}`;
        const answer = await api.request("GET", path, options);
        const page = expect("GET /users/@me/guilds", guildsSchema, answer);
        const before = guilds.size;
        for (const guild of page) guilds.set(guild.id, guild);
        // A server that repeats the same page must not cause an endless loop.
        const last = page.at(-1);
        if (!last || page.length < PAGE || guilds.size === before) return [...guilds.values()];
        after = last.id;
      }
    },
    async channels(guildId) {
      const answer = await api.request("GET", `/guilds/${guildId}/channels`, options);
      return expect("GET /guilds/:id/channels", channelsSchema, answer)
        .filter(({ type }) => type !== ChannelTypes.GuildCategory)
        .map(({ id, name }) => ({ id, name: name ?? id }));
    },
  };
}
