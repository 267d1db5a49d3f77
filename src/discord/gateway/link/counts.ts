/**
 * What a worker counts, for `/metrics`.
 *
 * @module
 */

import type { GatewayCounts, ResumeOutcome } from "./protocol.ts";

/** Types that are counted by name; Discord may invent any number of others. */
const MAX_TYPES = 40;

/** Counters that grow; `snapshot` is what may leave the thread. */
export interface Counters {
  identified(): void;
  resumeEnded(outcome: ResumeOutcome): void;
  disconnected(label: string): void;
  dispatched(type: string, isReplayed: boolean): void;
  unparsable(): void;
  /** The counters, if any has moved since the last call. */
  changed(): GatewayCounts | undefined;
}

export const NO_COUNTS: GatewayCounts = {
  identifies: 0,
  resumes: { resumed: 0, invalid: 0, closed: 0, timeout: 0 },
  disconnects: {},
  dispatches: {},
  replayed: 0,
  unparsable: 0,
};

export function createCounters(): Counters {
  const resumes = { ...NO_COUNTS.resumes };
  const disconnects = new Map<string, number>();
  const dispatches = new Map<string, number>();
  let identifies = 0;
  let replayed = 0;
  let unparsable = 0;
  let hasChanged = false;

  return {
    identified() {
      identifies++;
      hasChanged = true;
    },
    resumeEnded(outcome) {
      resumes[outcome]++;
      hasChanged = true;
    },
    disconnected(label) {
      raise(disconnects, label);
      hasChanged = true;
    },
    dispatched(type, isReplayed) {
      raise(dispatches, dispatches.has(type) || dispatches.size < MAX_TYPES ? type : "other");
      if (isReplayed) replayed++;
      hasChanged = true;
    },
    unparsable() {
      unparsable++;
      hasChanged = true;
    },
    changed() {
      if (!hasChanged) return undefined;
      hasChanged = false;
      return {
        identifies,
        resumes: { ...resumes },
        disconnects: Object.fromEntries(disconnects),
        dispatches: Object.fromEntries(dispatches),
        replayed,
        unparsable,
      };
    },
  };
}

/** The sum of two workers' counters: one that has died, and the one in its place. */
export function addCounts(a: GatewayCounts, b: GatewayCounts): GatewayCounts {
  return {
    identifies: a.identifies + b.identifies,
    resumes: {
      resumed: a.resumes.resumed + b.resumes.resumed,
      invalid: a.resumes.invalid + b.resumes.invalid,
      closed: a.resumes.closed + b.resumes.closed,
      timeout: a.resumes.timeout + b.resumes.timeout,
    },
    disconnects: addRecords(a.disconnects, b.disconnects),
    dispatches: addRecords(a.dispatches, b.dispatches),
    replayed: a.replayed + b.replayed,
    unparsable: a.unparsable + b.unparsable,
  };
}

function addRecords(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum = new Map(Object.entries(a));
  for (const [key, count] of Object.entries(b)) sum.set(key, (sum.get(key) ?? 0) + count);
  return Object.fromEntries(sum);
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Counts of one worker after another, as one sum that never falls. */
export interface Totals {
  /** The counts of the worker that runs, each time in place of the ones before. */
  set(counts: GatewayCounts): void;
  /** The worker has died; the next one counts from zero. */
  died(): void;
  sum(): GatewayCounts;
}

export function createTotals(): Totals {
  let past = NO_COUNTS;
  let current = NO_COUNTS;
  return {
    set: (counts) => void (current = counts),
    died() {
      past = addCounts(past, current);
      current = NO_COUNTS;
    },
    sum: () => addCounts(past, current),
  };
}
