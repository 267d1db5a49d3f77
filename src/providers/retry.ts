/**
 * Asking a model again, while nobody has seen anything of its answer (L3).
 *
 * After the first visible words a second try would say something else over them;
 * before, it costs only time. What a person must mend is not tried again.
 *
 * @module
 */

import { type Model, ModelError } from "../core/model.ts";

/** Milliseconds before the second, third and fourth try, where the server names none. */
const RETRY_WAITS_MS: readonly number[] = [1_000, 2_000, 4_000];

/** The longest wait that a server may ask for; past it a fallback is better. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** By how much of itself a wait may grow, so that many turns do not come back together. */
const JITTER = 0.2;

/**
 * How long to wait before asking again.
 *
 * @param tries How many have failed, from 1.
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds, never fewer than the server asked for; `undefined` to give up.
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

export interface RetryDeps {
  /** Waits; rejects with the signal's reason once it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Told of each try that is to be repeated. */
  readonly onRetry?: (error: ModelError, waitMs: number) => void;
}

/** The same model, which asks again where that can help. */
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
