/**
 * Whether a request that failed is made again, and when (D5).
 *
 * Only what may be carried out twice is: to create a message twice is harmless
 * too, by its nonce, but when is for the outbox to say, which knows how long
 * that holds.
 *
 * @module
 */

import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import type { RestError } from "../exchange/rest_error.ts";
import type { Rank } from "../scheduler/pace.ts";

export interface Failure {
  readonly method: string;
  readonly rank: Rank;
  readonly error: Pick<RestError, "kind" | "status">;
  /** How many attempts have failed, this one included. */
  readonly failures: number;
}

/**
 * Decides on a failure that is no rate limit with a time; that is waited for, and is no attempt.
 *
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds to wait before the next attempt; `undefined` for none.
 */
export function retryWaitMs(
  { method, rank, error: { kind, status = 500 }, failures }: Failure,
  rules: RetryRules,
  random: number,
): number | undefined {
  if (method === "POST" || rank === "spare" || failures >= rules.attempts) return undefined;
  if (status === 429) return 0; // its bucket, or all, is closed for as long already
  const isPassing = (kind === "unavailable" || kind === "unsent") &&
    (status < 300 || status >= 500);
  return isPassing ? retryDelayMs(failures, random, rules) : undefined;
}
