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
import type { ResumePoint } from "../link/position.ts";
import type { DispatchBatch, ShardOptions, ToWorker } from "../link/protocol.ts";

/** Where a shard's session goes on, in another worker too. */
export interface ShardResumePoint extends ResumePoint {
  /** Whether the session is of a process before this one. */
  readonly isInherited: boolean;
}

export interface BatchTracker {
  /** @param worker Which of the workers, one after the other, has brought it. */
  receive(batch: Batch, shardId: number, worker: number): DispatchBatch;
  /** What the worker there is must know of it: of its own batches only. */
  committed(ticket: number, worker: number): readonly Extract<ToWorker, { kind: "committed" }>[];
  resumePointOf(shardId: number): ShardResumePoint;
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

const NO_SESSION: ShardResumePoint = { epoch: 0, isInherited: false };

export function createBatchTracker(shards: readonly ShardOptions[]): BatchTracker {
  const resumePoints = new Map(shards.map(({ id, session }): [number, ShardResumePoint] => [
    id,
    session ? { session, epoch: 0, seqCommitted: session.seq, isInherited: true } : NO_SESSION,
  ]));
  /** Not committed yet, by ticket. */
  const waiting: Entry[] = [];
  let tickets = 0;

  const resumePointOf = (shardId: number): ShardResumePoint =>
    resumePoints.get(shardId) ?? NO_SESSION;

  return {
    receive(batch, shardId, worker) {
      const { number, epoch, seq, session, afterHole } = batch;
      // A session is main's from its READY on, and not before: without READY's
      // batch nothing of it would be stored (T0), and yet it would be resumed.
      if (session) resumePoints.set(shardId, { session, epoch, isInherited: false });
      const resumePoint = resumePointOf(shardId);
      if (resumePoint.epoch === epoch) {
        resumePoints.set(shardId, {
          ...resumePoint,
          ...(afterHole && resumePoint.session &&
            { session: { ...resumePoint.session, hasHole: true } }),
          seqReceived: Math.max(resumePoint.seqReceived ?? 0, seq),
        });
      }
      const ticket = ++tickets;
      waiting.push({ ticket, shardId, worker, number, epoch, seq });
      return { ...batch, shardId, ticket };
    },
    committed(ticket, worker) {
      const settled = waiting.splice(0, countUpTo(waiting, ticket));
      for (const entry of settled) {
        const resumePoint = resumePointOf(entry.shardId);
        if (resumePoint.epoch !== entry.epoch || !resumePoint.session) continue;
        const seq = Math.max(resumePoint.session.seq, entry.seq);
        const seqCommitted = Math.max(resumePoint.seqCommitted ?? 0, entry.seq);
        resumePoints.set(entry.shardId, {
          ...resumePoint,
          session: { ...resumePoint.session, seq },
          seqCommitted,
        });
      }
      return lastOfEach(settled.filter((entry) => entry.worker === worker))
        .map(({ shardId, number }) => ({ kind: "committed", shardId, number }));
    },
    resumePointOf,
    seqCommitted() {
      const known = [...resumePoints].flatMap(([id, { seqCommitted }]): [number, number][] =>
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
