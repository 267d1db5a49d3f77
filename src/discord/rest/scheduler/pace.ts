/**
 * The pace of the whole bot: how many requests may leave in a second, and whose.
 *
 * Who is asked by a person within three seconds goes before all, and some of
 * each second are kept for that. What nobody waits for takes what is left over,
 * so that it never costs a reply its place.
 *
 * @module
 */

import type { Hold } from "./holds.ts";

/** Whose turn comes first: `interaction`, then a reply, then `background`, then `spare`. */
export type Rank = "interaction" | "reply" | "background" | "spare";

/** Milliseconds between two requests that are no interactions, where too many were invalid. */
export const SLOWED_EVERY_MS = 500;

/**
 * Length of the window in which requests are counted: a second, and a little
 * for requests that need different times for their way.
 */
export const GLOBAL_WINDOW_MS = 1_020;

export interface Pace {
  /** Milliseconds until one more of that rank may leave. */
  waitMs(rank: Rank, hold: Hold, now: number): number;
  /** Counts one that leaves now. */
  take(rank: Rank, now: number): void;
  /** One that was taken at a moment has left only now: of many at once, the last leave late. */
  left(takenAt: number, now: number): void;
}

export interface PaceOptions {
  /** Requests in any one second, at most. */
  readonly globalPerSec: number;
  /** How many of them only interactions may use; one is always left to the others. */
  readonly reservedPerSec: number;
}

/** All times are those of a clock that is never set. */
export function createPace({ globalPerSec, reservedPerSec }: PaceOptions): Pace {
  const forOthers = Math.max(1, globalPerSec - reservedPerSec);
  const partOf = (part: number) => Math.ceil(globalPerSec * part);
  const [half, most, forSpares] = [partOf(1 / 2), partOf(3 / 4), partOf(1 / 8)];
  /** When the last requests left, oldest first: all of them, all but interactions, the spare ones. */
  const starts: number[] = [];
  const others: number[] = [];
  const spares: number[] = [];

  function slotMs(rank: Rank, now: number): number {
    const anyMs = slotWaitMs(starts, globalPerSec, now);
    if (rank === "interaction") return anyMs;
    const othersMs = Math.max(anyMs, slotWaitMs(others, forOthers, now));
    switch (rank) {
      case "reply":
        return othersMs;
      case "background":
        return Math.max(othersMs, slotWaitMs(starts, half, now));
      case "spare":
        return Math.max(
          othersMs,
          slotWaitMs(starts, most, now),
          slotWaitMs(spares, forSpares, now),
        );
    }
  }

  return {
    waitMs(rank, { until, isSlowed }, now) {
      const waitMs = Math.max(0, until - now, slotMs(rank, now));
      if (!isSlowed || rank === "interaction") return waitMs;
      if (rank === "spare") return Infinity;
      return Math.max(waitMs, (others.at(-1) ?? -Infinity) + SLOWED_EVERY_MS - now);
    },
    take(rank, now) {
      note(starts, now, globalPerSec);
      if (rank !== "interaction") note(others, now, globalPerSec);
      if (rank === "spare") note(spares, now, globalPerSec);
    },
    left(takenAt, now) {
      if (now === takenAt) return;
      for (const moments of [starts, others, spares]) {
        const index = moments.lastIndexOf(takenAt); // it left lately
        if (index === -1) continue; // another rank's, or forgotten
        moments.splice(index, 1);
        moments.push(now);
      }
    },
  };
}

/**
 * Milliseconds until one more request may start, so that no window has more of
 * them than it may.
 *
 * @param starts When the last requests started, oldest first; at least the last `perSec` of them.
 * @param now By the clock of `starts`.
 */
export function slotWaitMs(starts: readonly number[], perSec: number, now: number): number {
  const oldest = starts.at(-perSec);
  return oldest === undefined ? 0 : Math.max(0, oldest + GLOBAL_WINDOW_MS - now);
}

function note(starts: number[], now: number, perSec: number): void {
  starts.push(now);
  // Seldom, since it moves all of them.
  if (starts.length > 2 * perSec) starts.splice(0, starts.length - perSec);
}
