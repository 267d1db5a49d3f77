/**
 * Detects guilds that the bot has just joined.
 *
 * Discord also sends a GUILD_CREATE for old guilds: after each READY, at the end of an outage, and
 * when a RESUME replays it. So only a guild that the index does not have is new.
 *
 * @module
 */

import { z } from "zod";
import type { GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { bounded } from "../../../lib/text/cut.ts";
import type { Dispatch } from "../decode/payloads.ts";
import type { GuildIndex } from "../decode/guild_index.ts";

const guildPayload = z.object({
  id: snowflakeSchema<"guild">(),
  name: z.string(),
  unavailable: z.boolean().nullish(),
});

const MAX_NAME = 100;

/**
 * Returns the guild that the bot joined by this dispatch.
 *
 * @param index The index before the dispatch.
 * @param unread Guilds of the bot that the index lacks, because their snapshots could not be read.
 */
export function joinedGuild(
  { t, d }: Dispatch,
  index: GuildIndex,
  unread: readonly GuildId[],
): Named<GuildId> | undefined {
  if (t !== "GUILD_CREATE") return undefined;
  const guild = guildPayload.safeParse(d).data;
  if (!guild || guild.unavailable || index.has(guild.id) || unread.includes(guild.id)) {
    return undefined; // `applyDispatch` reports a payload with an unexpected shape
  }
  return { id: guild.id, name: bounded(guild.name, MAX_NAME) };
}
