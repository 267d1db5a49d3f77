/**
 * The limits that apply to all requests: Discord's global rate limit and the breaker.
 *
 * A 429 without a duration counts as well. Barnacle then chooses the wait, which grows with each
 * such response in a row.
 *
 * @module
 */

import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import type { Breaker } from "./breaker.ts";
import type { Bucket } from "./buckets.ts";
import type { Limits } from "./limits.ts";

/** The global limit at one moment. */
export interface GlobalLimitState {
  /** Until when no request may leave, by the monotonic clock. */
  readonly until: number;
  /** Whether all requests but interactions leave at the slow pace. */
  readonly isSlowed: boolean;
}

/** Combines Discord's global rate limit with the breaker. */
export interface GlobalLimit {
  /** The limit at `now`, by the monotonic clock. */
  at(now: number): GlobalLimitState;
  /**
   * Applies the limits of a response.
   *
   * @param now By the monotonic clock.
   * @returns Milliseconds for which a 429 closes its bucket, or all requests if it is global;
   * otherwise 0.
   */
  update(bucket: Bucket, limits: Limits, now: number): number;
}

/** The dependencies of the global limit. */
export interface GlobalLimitDeps {
  /** How the wait grows after 429s without a duration. */
  readonly retry: RetryRules;
  /** Slows or stops requests after too many invalid ones. */
  readonly breaker: Pick<Breaker, "check">;
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** Creates the global limit, open. */
export function createGlobalLimit({ retry, breaker, random }: GlobalLimitDeps): GlobalLimit {
  let globalUntil = -Infinity;
  /** Global 429s in a row without a duration. */
  let untimed429s = 0;

  return {
    at(now) {
      const { state, stoppedForMs } = breaker.check();
      const stoppedUntil = state === "stopped" ? now + stoppedForMs : -Infinity;
      return { until: Math.max(globalUntil, stoppedUntil), isSlowed: state !== "closed" };
    },
    update(bucket, { refused }, now) {
      if (!refused) {
        untimed429s = 0;
        bucket.untimed429s = 0;
        return 0;
      }
      const { isGlobal, retryMs } = refused;
      if (!isGlobal) return retryMs ?? retryDelayMs(++bucket.untimed429s, random(), retry);
      const pauseMs = retryMs ?? retryDelayMs(++untimed429s, random(), retry);
      globalUntil = Math.max(globalUntil, now + pauseMs);
      return pauseMs;
    },
  };
}
