/**
 * Decides whether and when a failed request is retried (D5).
 *
 * Only requests that may be carried out twice are retried. Creating a message twice is harmless
 * too, because of its nonce. But the outbox decides when, because it knows how long Discord
 * remembers the nonce.
 *
 * @module
 */

import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import type { RestError } from "../exchange/rest_error.ts";
import type { Priority } from "../scheduler/pace.ts";

/** A failed attempt of a request. */
export interface Failure {
  /** HTTP method. */
  readonly method: string;
  /** The request's priority; `spare` is never retried. */
  readonly priority: Priority;
  /** The error of the last attempt. */
  readonly error: Pick<RestError, "kind" | "status">;
  /** Number of failed attempts, including this one. */
  readonly failures: number;
}

/**
 * Decides on a failed attempt. A rate limit with a duration is none: the caller waits for its end.
 *
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds to wait before the next attempt; `undefined` for no retry.
 */
export function retryWaitMs(
  { method, priority, error: { kind, status = 500 }, failures }: Failure,
  rules: RetryRules,
  random: number,
): number | undefined {
  if (method === "POST" || priority === "spare" || failures >= rules.attempts) return undefined;
  if (status === 429) return 0; // the rate limiter already closes its bucket, or all requests, for long enough
  const isTransient = (kind === "unavailable" || kind === "unsent") &&
    (status < 300 || status >= 500);
  return isTransient ? retryDelayMs(failures, random, rules) : undefined;
}
