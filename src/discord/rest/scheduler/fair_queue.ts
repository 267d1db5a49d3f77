/**
 * Orders the queues whose first request waits for a slot of the pace: the queue whose last turn is
 * the oldest comes first.
 *
 * First come, first served is unfair here. A queue whose response is some milliseconds late would
 * rejoin behind all others. A channel that falls behind twice would still be sending when the
 * others are done. A new queue joins behind all waiting ones, so a queue waits for at most one turn
 * of each other queue.
 *
 * @module
 */

import type { Priority } from "./pace.ts";
import type { QueuedRequest, RequestQueue, WaitingRequest } from "./request_queue.ts";

/** The priorities that may wait, in the order in which they get a slot. */
export const QUEUED_PRIORITIES = [
  "interaction",
  "reply",
  "background",
] as const satisfies readonly Priority[];

/** The queues that wait for a slot, by priority and then in turn. */
export interface FairQueue<T> {
  /** Adds a queue's first request. A request that is in it already keeps its position. */
  add(queue: RequestQueue<T>, request: WaitingRequest<T>): void;
  /** The first entry of a priority. */
  next(priority: Priority): QueuedRequest<T> | undefined;
  /** Removes the first entry, because its queue has its turn now. */
  take(entry: QueuedRequest<T>): void;
}

interface Level<T> {
  /** By `lastTurn`. */
  readonly entries: QueuedRequest<T>[];
  /** Number of turns so far. */
  turns: number;
  /** The last turn of each queue by its key, oldest first. */
  readonly lastTurns: Map<string, number>;
}

/** Creates an empty fair queue. */
export function createFairQueue<T>(): FairQueue<T> {
  const levels: Readonly<Record<Priority, Level<T>>> = {
    interaction: createLevel(),
    reply: createLevel(),
    background: createLevel(),
    spare: createLevel(),
  };

  return {
    add(queue, request) {
      if (queue.entry?.request === request) return;
      const { entries, lastTurns, turns } = levels[request.options.priority];
      const lastTurn = lastTurns.get(queue.route.queueKey) ?? turns;
      const entry = { queue, request, lastTurn };
      queue.entry = entry;
      const before = entries.findLastIndex((other) => other.lastTurn <= lastTurn);
      entries.splice(before + 1, 0, entry);
    },
    next(priority) {
      const { entries } = levels[priority];
      for (let first = entries[0]; first && first.queue.entry !== first; first = entries[0]) {
        entries.shift(); // void
      }
      return entries[0];
    },
    take({ queue, request, lastTurn }) {
      const level = levels[request.options.priority];
      level.entries.shift();
      queue.entry = undefined;
      // A queue with an older last turn has not rejoined since, so it will join as a new one.
      for (const [key, turn] of level.lastTurns) {
        if (turn >= lastTurn) break;
        level.lastTurns.delete(key);
      }
      level.turns++;
      level.lastTurns.delete(queue.route.queueKey);
      level.lastTurns.set(queue.route.queueKey, level.turns);
    },
  };
}

function createLevel<T>(): Level<T> {
  return { entries: [], turns: 0, lastTurns: new Map() };
}
