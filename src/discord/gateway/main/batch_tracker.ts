/**
 * Keeps what main has of each shard: how far it has received, and how far it has committed.
 *
 * Workers and sessions number from their own start, so every batch gets a
 * ticket that counts for the life of the process; nothing else tells two
 * batches apart. A worker in the place of a dead one resumes from the committed
 * number and drops what main has received already: events without an id of
 * their own take effect once (G5b).
 *
 * @module
 */

import type { Batch } from "../link/batches.ts";
import type { SessionPlace } from "../link/position.ts";
import type { DispatchBatch, ShardOptions, ToWorker } from "../link/protocol.ts";

/** Where a shard's session goes on, in another worker too. */
export interface Place extends SessionPlace {
  /** Whether the session is of a process before this one. */
  readonly isInherited: boolean;
}

export interface Ledger {
  /** @param worker Which of the workers, one after the other, has brought it. */
  take(batch: Batch, shardId: number, worker: number): DispatchBatch;
  /** What the worker there is must know of it: of its own batches only. */
  committed(ticket: number, worker: number): readonly Extract<ToWorker, { kind: "committed" }>[];
  placeOf(shardId: number): Place;
  /** By shard. */
  seqCommitted(): ReadonlyMap<number, number>;
  /** Batches that are not committed yet. */
  readonly uncommitted: number;
}

interface Entry {
  readonly ticket: number;
  readonly shardId: number;
  readonly worker: number;
  readonly number: number;
  readonly epoch: number;
  readonly seq: number;
}

const NOWHERE: Place = { epoch: 0, isInherited: false };

export function createLedger(shards: readonly ShardOptions[]): Ledger {
  const places = new Map(shards.map(({ id, session }): [number, Place] => [
    id,
    session ? { session, epoch: 0, seqCommitted: session.seq, isInherited: true } : NOWHERE,
  ]));
  /** Not committed yet, by ticket. */
  const waiting: Entry[] = [];
  let tickets = 0;

  const placeOf = (shardId: number): Place => places.get(shardId) ?? NOWHERE;

  return {
    take(batch, shardId, worker) {
      const { number, epoch, seq, session, afterHole } = batch;
      // A session is main's from its READY on, and not before: without READY's
      // batch nothing of it would be stored (T0), and yet it would be resumed.
      if (session) places.set(shardId, { session, epoch, isInherited: false });
      const place = placeOf(shardId);
      if (place.epoch === epoch) {
        places.set(shardId, {
          ...place,
          ...(afterHole && place.session && { session: { ...place.session, hasHole: true } }),
          seqReceived: Math.max(place.seqReceived ?? 0, seq),
        });
      }
      const ticket = ++tickets;
      waiting.push({ ticket, shardId, worker, number, epoch, seq });
      return { ...batch, shardId, ticket };
    },
    committed(ticket, worker) {
      const settled = waiting.splice(0, countUpTo(waiting, ticket));
      for (const entry of settled) {
        const place = placeOf(entry.shardId);
        if (place.epoch !== entry.epoch || !place.session) continue;
        const seq = Math.max(place.session.seq, entry.seq);
        const seqCommitted = Math.max(place.seqCommitted ?? 0, entry.seq);
        places.set(entry.shardId, { ...place, session: { ...place.session, seq }, seqCommitted });
      }
      return lastOfEach(settled.filter((entry) => entry.worker === worker))
        .map(({ shardId, number }) => ({ kind: "committed", shardId, number }));
    },
    placeOf,
    seqCommitted() {
      const known = [...places].flatMap(([id, { seqCommitted }]): [number, number][] =>
        seqCommitted === undefined ? [] : [[id, seqCommitted]]
      );
      return new Map(known);
    },
    get uncommitted() {
      return waiting.length;
    },
  };
}

/** How many of them, from the first on, have a ticket up to this one. */
function countUpTo(entries: readonly Entry[], ticket: number): number {
  const index = entries.findIndex((entry) => entry.ticket > ticket);
  return index < 0 ? entries.length : index;
}

function lastOfEach(entries: readonly Entry[]): readonly Entry[] {
  return [...new Map(entries.map((entry) => [entry.shardId, entry])).values()];
}
