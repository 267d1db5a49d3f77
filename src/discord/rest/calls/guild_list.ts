/**
 * The guilds that the bot is in, and their channels, for who has no gateway to be told by.
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

export interface GuildList {
  /**
   * All of them.
   *
   * @throws {RestError} If Discord does not tell.
   */
  guilds(): Promise<readonly Named<GuildId>[]>;
  /**
   * What a guild's rules can name: all channels but categories, and no threads.
   *
   * @throws {RestError} If Discord does not tell: `not_found` or `forbidden` of one that it is not in.
   */
  channels(guildId: GuildId): Promise<readonly Named<ChannelId>[]>;
}

/** Guilds in one answer, at most; a bot may be in many more. */
const PAGE = 200;

const guildsSchema = z.array(z.object({ id: snowflakeSchema<"guild">(), name: z.string() }));

const channelsSchema = z.array(z.object({
  id: snowflakeSchema<"channel">(),
  type: z.number(),
  name: z.string().nullish(),
}));

/**
 * @see {@link https://docs.discord.com/developers/resources/user#get-current-user-guilds}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createGuildList(api: RestApi, options: RequestOptions = {}): GuildList {
  return {
    async guilds() {
      const guilds = new Map<GuildId, Named<GuildId>>();
      for (let after = "0";;) {
        const path = `/users/@me/guilds?limit=${PAGE}&after=${after}`;
        const answer = await api.request("GET", path, options);
        const page = expect("GET /users/@me/guilds", guildsSchema, answer);
        const before = guilds.size;
        for (const guild of page) guilds.set(guild.id, guild);
        // A server that gives the same page again must not keep us here.
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
