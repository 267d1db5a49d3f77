/**
 * Tells which guilds of the bot are not seen yet (P7, P12).
 *
 * A shard names its guilds in READY, and shards connect some seconds after each other. An id of a
 * guild whose shard is not ready is not wrong.
 */

import { type GuildId, shardOf } from "../../core/discord/ids.ts";

export interface GuildSight {
  /** Whether the bot may be in this guild, or in any, although no shard has named it yet. */
  readonly mayMiss: (id?: GuildId) => boolean;
}

export function createSeenShards() {
  let shardCount = 0;
  const seen = new Set<number>();

  const toCome = (): number => Math.max(0, shardCount - seen.size);

  return {
    setCount(count: number): void {
      if (count !== shardCount) seen.clear(); // its guilds come by other shards now
      shardCount = count;
    },
    /** Notes that a shard's guilds are known. */
    ready: (shardId: number): void => void seen.add(shardId),
    /** Number of shards that have not been ready so far. */
    toCome,
    /** Whether the bot may be in this guild, or in any, although no shard has named it yet. */
    mayMiss(id?: GuildId): boolean {
      if (shardCount === 0) return true;
      return id === undefined ? toCome() > 0 : !seen.has(shardOf(id, shardCount));
    },
  };
}
