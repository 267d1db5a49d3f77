/** Tells which shard of the gateway has a guild. */

import type { GuildId } from "./ids.ts";

/**
 * Number of the shard that receives a guild's events.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sharding}
 */
export function shardOf(guildId: GuildId, shardCount: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}
