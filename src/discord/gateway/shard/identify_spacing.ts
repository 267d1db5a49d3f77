/**
 * Whose turn it is to IDENTIFY, among the shards of one worker.
 *
 * Main alone decides, with what is stored (`core/discord/identify_budget.ts`); this only
 * keeps shards from opening a socket to be told to wait. Discord takes one
 * IDENTIFY in five seconds of each `id % maxConcurrency`.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#rate-limiting}
 * @module
 */

import { SPACING_MS } from "../../../core/discord/identify_budget.ts";
import type { ShardStart } from "../link/protocol.ts";

/** At the start: those with nothing to resume come one after the other. */
export function spaceIdentifies(
  shards: readonly ShardStart[],
  maxConcurrency: number,
): readonly ShardStart[] {
  const freeAt = new Map<number, number>();
  return shards.map((shard) => {
    if (shard.session) return shard;
    const key = shard.id % maxConcurrency;
    const identifyInMs = Math.max(shard.identifyInMs, freeAt.get(key) ?? 0);
    freeAt.set(key, identifyInMs + SPACING_MS);
    return { ...shard, identifyInMs };
  });
}

/** A shard that one of its fellows was preferred to. */
export interface IdentifyCandidate {
  readonly id: number;
  readonly wantsIdentify: boolean;
}

/**
 * One has got its permit: for how long each of the others is to hold back, in
 * milliseconds. Those that want one have their turns after each other.
 */
export function identifyDelays(
  granted: number,
  shards: readonly IdentifyCandidate[],
  maxConcurrency: number,
): ReadonlyMap<number, number> {
  const isSameKey = ({ id }: IdentifyCandidate) =>
    id !== granted && id % maxConcurrency === granted % maxConcurrency;
  let forMs = 0;
  return new Map(
    shards.filter(isSameKey).map(({ id, wantsIdentify }) => [
      id,
      wantsIdentify ? forMs += SPACING_MS : SPACING_MS,
    ]),
  );
}
