/**
 * Detects that Discord is reachable again.
 *
 * A shard reports its state with each heartbeat that Discord acknowledges. If each report counted,
 * a message that fails would be tried with every heartbeat, and never at growing delays (D5).
 *
 * @module
 */

import type { ShardState } from "../../discord/gateway/link/protocol.ts";

/** Gets the states of an account's shards. */
export type NoteState = (shardId: number, state: Pick<ShardState, "state">) => void;

/**
 * Creates the detector.
 *
 * @param onReachable Called when a shard becomes ready, and not while it stays ready.
 */
export function createReachability(onReachable: () => void): NoteState {
  const ready = new Set<number>();
  return (shardId, { state }) => {
    if (state !== "ready") ready.delete(shardId);
    else if (!ready.has(shardId)) {
      ready.add(shardId);
      onReachable();
    }
  };
}
