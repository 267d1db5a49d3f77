/** Counts a worker's gateway events for `/metrics`. */

import type { GatewayCounts, ResumeOutcome } from "../../../core/discord/gateway.ts";

/** Counters of a worker that has done nothing. */
export const NO_COUNTS: GatewayCounts = {
  identifies: 0,
  resumes: { resumed: 0, invalid: 0, closed: 0, timeout: 0 },
  disconnects: {},
};

export function createCounters() {
  const resumes = { ...NO_COUNTS.resumes };
  const disconnects = new Map<string, number>();
  let identifies = 0;
  let hasChanged = false;

  return {
    identified(): void {
      identifies++;
      hasChanged = true;
    },
    resumeEnded(outcome: ResumeOutcome): void {
      resumes[outcome]++;
      hasChanged = true;
    },
    /** Counts a lost connection by its cause. */
    disconnected(label: string): void {
      raise(disconnects, label);
      hasChanged = true;
    },
    /** Returns the counters if one has changed since the last call. */
    changed(): GatewayCounts | undefined {
      if (!hasChanged) return undefined;
      hasChanged = false;
      return {
        identifies,
        resumes: { ...resumes },
        disconnects: Object.fromEntries(disconnects),
      };
    },
  };
}

/** Adds the counters of a worker that died and of its successor. */
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

export function createTotals() {
  let past = NO_COUNTS;
  let current = NO_COUNTS;
  return {
    /** Replaces the counters of the running worker. */
    set: (counts: GatewayCounts): void => void (current = counts),
    /** Records that the worker died; its successor counts from zero. */
    died(): void {
      past = addCounts(past, current);
      current = NO_COUNTS;
    },
    sum: (): GatewayCounts => addCounts(past, current),
  };
}
