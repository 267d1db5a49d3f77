/** Adds up the figures of several stores: of each partition that this process owns. */

import type { DecisionCount, StoreFigures } from "../../core/store/store.ts";

/** Adds them up; the figures of a single store stay as they are. */
export function sumFigures(first: StoreFigures, others: readonly StoreFigures[]): StoreFigures {
  return others.reduce(add, first);
}

function add(one: StoreFigures, other: StoreFigures): StoreFigures {
  const oldestWaitingAt = oldest(one.inbox.oldestWaitingAt, other.inbox.oldestWaitingAt);
  const oldestUnsentAt = oldest(one.outbox.oldestUnsentAt, other.outbox.oldestUnsentAt);
  return {
    inbox: {
      waiting: one.inbox.waiting + other.inbox.waiting,
      running: one.inbox.running + other.inbox.running,
      ...(oldestWaitingAt !== undefined && { oldestWaitingAt }),
    },
    outbox: {
      pending: one.outbox.pending + other.outbox.pending,
      sending: one.outbox.sending + other.outbox.sending,
      uncertain: one.outbox.uncertain + other.outbox.uncertain,
      dead: one.outbox.dead + other.outbox.dead,
      parked: one.outbox.parked + other.outbox.parked,
      parkedChannels: one.outbox.parkedChannels + other.outbox.parkedChannels,
      ...(oldestUnsentAt !== undefined && { oldestUnsentAt }),
    },
    decisions: addCounts(one.decisions, other.decisions),
  };
}

function oldest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? one ?? other : Math.min(one, other);
}

function addCounts(
  counts: readonly DecisionCount[],
  others: readonly DecisionCount[],
): readonly DecisionCount[] {
  const sums = new Map(counts.map((one) => [keyOf(one), one]));
  for (const other of others) {
    const known = sums.get(keyOf(other));
    sums.set(keyOf(other), { ...other, count: other.count + (known?.count ?? 0) });
  }
  return [...sums.values()];
}

const keyOf = ({ verdict, why }: DecisionCount): string => `${verdict} ${why}`;
