/**
 * Waits for the delivery of single messages, for tools that tell the model whether Discord has a
 * message.
 *
 * @module
 */

import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** Waits for deliveries. */
export interface SentWatch {
  /** An attempt to deliver a row has ended. */
  delivered(row: Pick<OutboxRow, "message">): void;
  /**
   * Resolves once an attempt has ended for each message, or after {@link PATIENCE_MS}, or once the
   * signal aborts. The store tells the results.
   */
  ended(nonces: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Milliseconds that a tool waits for Discord; the message is delivered later, too. */
export const PATIENCE_MS = 10_000;

/** Creates the waiting of one account. */
export function createSentWatch(schedule: StartTimer): SentWatch {
  const waiting = new Map<string, () => void>();
  return {
    delivered({ message: { nonce } }) {
      waiting.get(nonce)?.();
    },
    async ended(nonces, signal) {
      if (signal.aborted) return;
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      const cancel = schedule(stop, PATIENCE_MS);
      signal.addEventListener("abort", () => stop(), { once: true });
      const each = nonces.map((nonce) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.set(nonce, resolve);
        return promise;
      });
      await Promise.race([Promise.all(each), stopped]);
      cancel();
      for (const nonce of nonces) waiting.delete(nonce);
    },
  };
}
