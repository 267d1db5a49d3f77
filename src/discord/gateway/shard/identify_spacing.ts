/**
 * Spaces the IDENTIFYs of one worker's shards.
 *
 * Discord accepts one IDENTIFY in five seconds for each `id % maxConcurrency`. The main thread
 * alone decides, by the stored record (`core/discord/identify_budget.ts`). This file only keeps
 * shards from opening a socket that would have to wait.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#rate-limiting}
 * @module
 */

import { SPACING_MS } from "../../../core/discord/identify_budget.ts";
import type { ShardStart } from "../link/protocol.ts";

/** Delays the shards that identify at the start, so that they do so one after the other. */
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

/** A shard that may have to wait for another one's IDENTIFY. */
export interface IdentifyCandidate {
  /** Number of the shard. */
  readonly id: number;
  /** Whether its next step is an IDENTIFY. */
  readonly wantsIdentify: boolean;
}

/**
 * Computes how long other shards wait after a shard got its permit.
 *
 * @param granted Number of the shard that got the permit.
 * @returns Milliseconds by shard. Shards that want to identify wait one after the other.
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
