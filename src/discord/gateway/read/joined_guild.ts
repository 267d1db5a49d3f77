/**
 * Tells a guild that the bot was added to just now from one that it was in before.
 *
 * Discord says GUILD_CREATE of both: after each READY of every guild that it lists, at the end of an
 * outage, and again where a RESUME replays it. Only what the index has never heard of is new.
 *
 * @module
 */

import { z } from "zod";
import type { GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { bounded } from "../../../lib/bounded.ts";
import type { Dispatch } from "../decode/payloads.ts";
import type { GuildIndex } from "../decode/guild_index.ts";

const guildPayload = z.object({
  id: snowflakeSchema<"guild">(),
  name: z.string(),
  unavailable: z.boolean().nullish(),
});

const MAX_NAME = 100;

/**
 * The guild that a dispatch says the bot has joined.
 *
 * @param index As it was before the dispatch.
 * @param unread Guilds that the bot is in, though the index could not be told of them.
 */
export function joinedGuild(
  { t, d }: Dispatch,
  index: GuildIndex,
  unread: readonly GuildId[],
): Named<GuildId> | undefined {
  if (t !== "GUILD_CREATE") return undefined;
  const guild = guildPayload.safeParse(d).data;
  if (!guild || guild.unavailable || index.has(guild.id) || unread.includes(guild.id)) {
    return undefined; // a payload that does not fit is the fold's problem
  }
  return { id: guild.id, name: bounded(guild.name, MAX_NAME) };
}
