/**
 * Divides a bot's guilds into partitions, so that several processes share its work (O16).
 *
 * The number of shards is a multiple of the number of partitions. So all events of a guild come by the
 * shards of one partition, also after Discord recommends another number of shards. Direct messages come
 * by shard 0, which belongs to partition 0.
 */

import type { GuildId } from "./ids.ts";

/** A part of a bot's guilds. */
export interface Partition {
  /** From 0. */
  readonly index: number;
  /** Number of partitions of the bot. */
  readonly count: number;
}

/** The only partition of a bot that one process runs. */
export const WHOLE: Partition = { index: 0, count: 1 };

/** The lowest number of shards that can be divided into the partitions. */
export function shardsFor(wanted: number, { count }: Pick<Partition, "count">): number {
  return Math.ceil(Math.max(1, wanted) / count) * count;
}

/** Numbers of the shards of a partition. */
export function shardsOf({ index, count }: Partition, shardCount: number): readonly number[] {
  return Array.from({ length: shardCount }, (_, id) => id).filter((id) => id % count === index);
}

/**
 * Number of the shard that receives a guild's events.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sharding}
 */
export function shardOf(guildId: GuildId, shardCount: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/** Number of the partition that has a guild, or direct messages if there is no guild. */
export function partitionOf(
  guildId: GuildId | undefined,
  { count }: Pick<Partition, "count">,
): number {
  return guildId === undefined ? 0 : shardOf(guildId, count);
}
