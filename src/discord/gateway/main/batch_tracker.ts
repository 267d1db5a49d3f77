/**
 * Tracks each shard's batches: how far the main thread has received and committed them.
 *
 * Workers and sessions restart their own numbers. So every batch gets a ticket, which is unique for
 * the life of the process. After a worker died, its successor resumes from the committed number,
 * and drops the dispatches that the main thread has received. So events without an id of their own
 * take effect once (G5b).
 */

import type { Batch } from "../link/batches.ts";
import type { ResumePoint } from "../link/position.ts";
import type { DispatchBatch, ShardOptions, ToWorker } from "../link/protocol.ts";

/** The point from which a shard continues its session, in another worker, too. */
export interface ShardResumePoint extends ResumePoint {
  /** Whether an earlier process began the session. */
  readonly isInherited: boolean;
}

interface TrackedBatch {
  readonly ticket: number;
  readonly shardId: number;
  readonly worker: number;
  readonly number: number;
  readonly epoch: number;
  readonly seq: number;
}

const NO_SESSION: ShardResumePoint = { epoch: 0, isInherited: false };

/** @param tickets Number of those that earlier threads have given. */
export function createBatchTracker(shards: readonly ShardOptions[], tickets = 0) {
  const resumePoints = new Map(shards.map(({ id, session }): [number, ShardResumePoint] => [
    id,
    session ? { session, epoch: 0, seqCommitted: session.seq, isInherited: true } : NO_SESSION,
  ]));
  /** Uncommitted batches, by ticket. */
  const waiting: TrackedBatch[] = [];

  const resumePointOf = (shardId: number): ShardResumePoint =>
    resumePoints.get(shardId) ?? NO_SESSION;

  return {
    /** Records a batch and gives it a ticket; `worker` is the number of the worker that sent it. */
    receive(batch: Batch, shardId: number, worker: number): Omit<DispatchBatch, "arrivedAt"> {
      const { number, epoch, seq, session, afterHole } = batch;
      // The main thread has a session only with its READY. Without READY's batch the store would have
      // nothing of it (T0), and yet the next worker would resume it.
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
    /** Records a commit up to a ticket. Returns the messages about it for the current `worker`. */
    committed(ticket: number, worker: number): readonly Extract<ToWorker, { kind: "committed" }>[] {
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
    /** Records that the shard's session lacks an event, for the next worker. */
    lacksEvent(shardId: number): void {
      const resumePoint = resumePointOf(shardId);
      if (!resumePoint.session) return;
      const session = { ...resumePoint.session, hasHole: true } as const;
      resumePoints.set(shardId, { ...resumePoint, session });
    },
    resumePointOf,
    /** Returns the committed sequence numbers by shard. */
    seqCommitted(): ReadonlyMap<number, number> {
      const committedSeqs = [...resumePoints].flatMap((
        [id, { seqCommitted }],
      ): [number, number][] => seqCommitted === undefined ? [] : [[id, seqCommitted]]);
      return new Map(committedSeqs);
    },
    /** The newest ticket; 0 before the first. */
    lastTicket: (): number => tickets,
    /** Number of batches that are not committed yet. */
    get uncommitted(): number {
      return waiting.length;
    },
  };
}

function countUpTo(entries: readonly TrackedBatch[], ticket: number): number {
  const index = entries.findIndex((entry) => entry.ticket > ticket);
  return index < 0 ? entries.length : index;
}

function lastOfEach(entries: readonly TrackedBatch[]): readonly TrackedBatch[] {
  return [...new Map(entries.map((entry) => [entry.shardId, entry])).values()];
}
