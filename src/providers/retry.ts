/**
 * Retries requests to a model before any text of the answer is visible (L3).
 *
 * Before the first visible text, a retry costs only time. After it, a retry would continue with
 * another answer. Failures that only the operator can fix are not retried.
 *
 * @module
 */

import { type Model, ModelError } from "../core/model.ts";

/** Delays (milliseconds) before the second, third and fourth try, if the server names none. */
const RETRY_WAITS_MS: readonly number[] = [1_000, 2_000, 4_000];

/**
 * Maximum delay (milliseconds) that a server may ask for. For a longer one, a fallback is better.
 */
export const RETRY_AFTER_MAX_MS = 60_000;

/** Maximum random increase of a delay, as a fraction, so that many turns do not retry together. */
const JITTER = 0.2;

/**
 * Decides how long to wait before the next try.
 *
 * @param tries Number of failed tries, from 1.
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds, at least as many as the server asked for; `undefined` to give up.
 */
export function retryWaitMs(tries: number, error: unknown, random: number): number | undefined {
  if (!(error instanceof ModelError)) return undefined;
  if (error.kind !== "rate_limited" && error.kind !== "unavailable") return undefined;
  const waitMs = RETRY_WAITS_MS[tries - 1];
  if (waitMs === undefined) return undefined;
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > RETRY_AFTER_MAX_MS) return undefined;
  return Math.round(Math.max(waitMs, retryAfterMs) * (1 + JITTER * random));
}

/** Everything that retries need from outside. */
export interface RetryDeps {
  /** Waits; rejects with the signal's reason once it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Random number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Gets each failure before its retry, with the delay in milliseconds. */
  readonly onRetry?: (error: ModelError, waitMs: number) => void;
}

/** Wraps a model so that it retries temporary failures. */
export function withRetry(model: Model, { sleep, random, onRetry }: RetryDeps): Model {
  return {
    id: model.id,
    async *generate(request, signal) {
      for (let tries = 1;; tries++) {
        let hasBegun = false;
        try {
          for await (const part of model.generate(request, signal)) {
            hasBegun = true;
            yield part;
          }
          return;
        } catch (thrown) {
          const waitMs = hasBegun || signal.aborted
            ? undefined
            : retryWaitMs(tries, thrown, random());
          if (waitMs === undefined || !(thrown instanceof ModelError)) throw thrown;
          onRetry?.(thrown, waitMs);
          await sleep(waitMs, signal);
        }
      }
    },
  };
}
