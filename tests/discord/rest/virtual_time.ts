/** A clock that jumps to the next timer as soon as nothing else can happen. */

import { setImmediate } from "node:timers/promises";
import type { StartTimer } from "../../../src/lib/clock.ts";
import { FakeClock } from "../../support/fake_clock.ts";

export function createVirtualTime() {
  const clock = new FakeClock();
  const due = new Set<{ readonly at: number }>();

  const schedule: StartTimer = (run, ms) => {
    const timer = { at: clock.now() + ms };
    due.add(timer);
    const cancel = clock.schedule(() => {
      due.delete(timer);
      run();
    }, ms);
    return () => {
      due.delete(timer);
      cancel();
    };
  };

  return {
    now: clock.now,
    schedule,
    sleep: (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms)),
    /** Number of waiting timers. */
    get pending(): number {
      return due.size;
    },
    /**
     * Waits for a promise and advances the clock; fails if no timer is left that could settle it.
     */
    async run<T>(promise: Promise<T>): Promise<T> {
      let isSettled = false;
      const settled = promise.finally(() => isSettled = true);
      settled.catch(() => undefined); // the caller gets it below
      for (;;) {
        await setImmediate();
        if (isSettled) return await settled;
        if (due.size === 0) throw new Error("Wedged: nothing is scheduled, and nothing settled");
        clock.advance(Math.max(0, Math.min(...[...due].map(({ at }) => at)) - clock.now()));
      }
    },
  };
}
