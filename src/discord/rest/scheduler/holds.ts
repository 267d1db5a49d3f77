/**
 * What keeps requests back apart from buckets and the pace: limits for all, and
 * the breaker.
 *
 * A 429 that does not say for how long is believed as well: the wait is ours
 * then, and grows with each such answer in a row.
 *
 * @module
 */

import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import type { Breaker } from "./breaker.ts";
import type { Bucket } from "./buckets.ts";
import type { Limits } from "./limits.ts";

export interface Hold {
  /** Until when nothing may leave, by the steady clock. */
  readonly until: number;
  /** Whether everything but interactions leaves at the slow pace. */
  readonly isSlowed: boolean;
}

export interface Holds {
  /** @param now By the steady clock. */
  at(now: number): Hold;
  /**
   * Keeps what an answer said of all requests.
   *
   * @param now By the steady clock.
   * @returns Milliseconds for which a 429 closes its bucket, or all where it is for all; else 0.
   */
  tell(bucket: Bucket, limits: Limits, now: number): number;
}

export interface HoldsDeps {
  /** How the wait grows after 429s that do not say how long. */
  readonly retry: RetryRules;
  readonly breaker: Pick<Breaker, "check">;
  readonly random: () => number;
}

export function createHolds({ retry, breaker, random }: HoldsDeps): Holds {
  let allUntil = -Infinity;
  /** 429s for all in a row that did not say for how long. */
  let strikes = 0;

  return {
    at(now) {
      const { state, stoppedForMs } = breaker.check();
      const stoppedUntil = state === "stopped" ? now + stoppedForMs : -Infinity;
      return { until: Math.max(allUntil, stoppedUntil), isSlowed: state !== "closed" };
    },
    tell(bucket, { refused }, now) {
      if (!refused) {
        strikes = 0;
        bucket.strikes = 0;
        return 0;
      }
      const { isForAll, retryMs } = refused;
      if (!isForAll) return retryMs ?? retryDelayMs(++bucket.strikes, random(), retry);
      const pauseMs = retryMs ?? retryDelayMs(++strikes, random(), retry);
      allUntil = Math.max(allUntil, now + pauseMs);
      return pauseMs;
    },
  };
}
