/**
 * The pace of the whole bot: how many requests may leave in a second, and of which priority.
 *
 * Answers to interactions, which are due within three seconds, go first, and a part of each second
 * is reserved for them. Requests for which no person waits use only spare capacity, so they never
 * delay a reply.
 *
 * @module
 */

import type { GlobalLimitState, LimitOptions } from "./global_limit.ts";

/** Order in which requests leave: `interaction`, then `reply`, `background` and `spare`. */
export type Priority = "interaction" | "reply" | "background" | "spare";

/**
 * Milliseconds between two requests, interactions aside, after too many invalid requests.
 */
export const SLOWED_EVERY_MS = 500;

/**
 * Length of the window in which requests are counted: one second, and a margin for the differing
 * latency of requests.
 */
export const GLOBAL_WINDOW_MS = 1_020;

/** Counts the requests of the last second. All times are those of a monotonic clock. */
export interface Pace {
  /**
   * Milliseconds until one more request of a priority may leave; Infinity if it may not while the
   * pace is slowed.
   */
  waitMs(priority: Priority, globalLimit: GlobalLimitState, now: number): number;
  /** Counts a request that leaves now. */
  take(priority: Priority, now: number): void;
  /**
   * Corrects the time of a request that was counted at `takenAt` but has left only now. Of many
   * requests at one moment, the last ones leave later.
   */
  sent(takenAt: number, now: number): void;
}

/** Creates the pace, without any request so far. */
export function createPace(
  { globalPerSec, reservedPerSec }: Pick<LimitOptions, "globalPerSec" | "reservedPerSec">,
): Pace {
  const forOthers = Math.max(1, globalPerSec - reservedPerSec);
  const shareOf = (share: number) => Math.ceil(globalPerSec * share);
  const [half, threeQuarters, eighth] = [shareOf(1 / 2), shareOf(3 / 4), shareOf(1 / 8)];
  /** When the last requests left, oldest first. */
  const all: number[] = [];
  /** The same, without interactions. */
  const others: number[] = [];
  /** The same, spare requests only. */
  const spares: number[] = [];

  function slotMs(priority: Priority, now: number): number {
    const anyMs = slotWaitMs(all, globalPerSec, now);
    if (priority === "interaction") return anyMs;
    const othersMs = Math.max(anyMs, slotWaitMs(others, forOthers, now));
    switch (priority) {
      case "reply":
        return othersMs;
      case "background":
        return Math.max(othersMs, slotWaitMs(all, half, now));
      case "spare":
        return Math.max(
          othersMs,
          slotWaitMs(all, threeQuarters, now),
          slotWaitMs(spares, eighth, now),
        );
    }
  }

  return {
    waitMs(priority, { until, isSlowed }, now) {
      const waitMs = Math.max(0, until - now, slotMs(priority, now));
      if (!isSlowed || priority === "interaction") return waitMs;
      if (priority === "spare") return Infinity;
      return Math.max(waitMs, (others.at(-1) ?? -Infinity) + SLOWED_EVERY_MS - now);
    },
    take(priority, now) {
      note(all, now, globalPerSec);
      if (priority !== "interaction") note(others, now, globalPerSec);
      if (priority === "spare") note(spares, now, globalPerSec);
    },
    sent(takenAt, now) {
      if (now === takenAt) return;
      for (const times of [all, others, spares]) {
        const index = times.lastIndexOf(takenAt); // it is near the end
        if (index === -1) continue; // another priority's list, or already removed
        times.splice(index, 1);
        times.push(now);
      }
    },
  };
}

/**
 * Milliseconds until one more request may start without exceeding the limit of any window.
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
