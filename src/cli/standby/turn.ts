/** Waits for the next look of a process at the shared rows: its time, or a reason to look at once. */

import { setTimeout as sleep } from "node:timers/promises";
import { schedule } from "../../lib/clock.ts";

/** How often a process looks, in milliseconds. */
const LOOK_MS = 500;

/** The same of a process whose looks only show that it runs. */
export const SHOW_MS = 2_000;

/** Milliseconds between two looks at least: a flood of events must not be one of looks. */
const GAP_MS = 50;

/** Creates it. */
export function createTurn(signal: AbortSignal) {
  let isDue = false;
  let end: (() => void) | undefined;
  const wake = (): void => {
    isDue = true;
    end?.();
  };
  signal.addEventListener("abort", wake, { once: true });
  return {
    /** There is a reason to look. */
    wake,
    /** Resolves when it is time to look. */
    async next(lookMs: number = LOOK_MS): Promise<void> {
      if (!isDue) {
        const { promise, resolve } = Promise.withResolvers<void>();
        end = resolve;
        const cancel = schedule(resolve, lookMs);
        await promise;
        cancel();
      }
      await sleep(GAP_MS, undefined, { signal }).catch(() => {});
      isDue = false;
    },
  };
}

/** Milliseconds that a stop waits for PostgreSQL, beside those for its last pages. */
const LEAVE_MS = 2_000;

/** Waits for work that needs PostgreSQL, while it may hang. */
export async function atMost(work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => {}), sleep(LEAVE_MS, undefined, { ref: false })]);
}
