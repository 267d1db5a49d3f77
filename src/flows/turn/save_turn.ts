/**
 * The end of a turn, stored (T3).
 *
 * A model was paid for what a turn says, so a disk that is full for a while
 * costs time and no second question.
 *
 * @module
 */

import type { FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import type { PlanQueue } from "../../core/inbound/queue.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";

export interface SaveTurnPorts {
  readonly store: {
    /** T3. Stores nothing, and says so, if the claim is not this process's any more. */
    finishTurn(turn: FinishedTurn, now: number, queue?: PlanQueue): Promise<StoredTurn>;
  };
  /** What a channel's queue does when it is full (D4); absent: it never is. */
  readonly queue?: PlanQueue;
  /** Whether the store failed for the disk's sake, and may take the same later. */
  readonly isStoreDown: (error: unknown) => boolean;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}

/** How long until a store that refused is asked again, in milliseconds. */
const RETRY_MS = 5_000;

const NOT_STORED: StoredTurn = { stored: false, folded: 0, dropped: 0 };

/**
 * Stores a turn, however long the disk takes.
 *
 * @param asFailed What to store instead of a turn that the store refuses for another reason.
 * @returns What came of it: nothing is stored if the process stops first, or the claim is over.
 * @throws {unknown} What the store threw at the failed turn as well.
 */
export async function saveTurn(
  turn: FinishedTurn,
  asFailed: (error: unknown) => FinishedTurn,
  { store, queue, isStoreDown, now, schedule, stopping, log }: SaveTurnPorts,
): Promise<StoredTurn> {
  let ended = turn;
  while (!stopping.aborted) {
    try {
      return await store.finishTurn(ended, now(), queue);
    } catch (error) {
      if (isStoreDown(error)) {
        const messageId = turn.claim.message.id;
        log.error("Cannot store a finished turn; will try again", { messageId, error });
        await waitFor(RETRY_MS, schedule, stopping);
      } else if (ended === turn) ended = asFailed(error);
      else throw error;
    }
  }
  return NOT_STORED;
}

/** Resolves after so many milliseconds, or once the process stops. */
function waitFor(ms: number, schedule: Schedule, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      stopping.removeEventListener("abort", end);
      resolve();
    };
    const cancel = schedule(end, ms);
    stopping.addEventListener("abort", end, { once: true });
  });
}
