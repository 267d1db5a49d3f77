/**
 * One timer for several deadlines: it fires at the earliest of them.
 *
 * @module
 */

import { MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";

/** A timer that keeps only the earliest of the requested times. */
export interface Alarm {
  /** Fires after `inMs` milliseconds, unless it is already set to fire sooner. */
  set(now: number, inMs: number): void;
  /** Stops the timer; `set` starts it again. */
  cancel(): void;
}

/**
 * Creates an alarm.
 *
 * @param onFire Called at the time, or earlier if the time exceeds the longest possible timer.
 */
export function createAlarm(schedule: StartTimer, onFire: () => void): Alarm {
  let current: { readonly at: number; readonly cancel: () => void } | undefined;

  function cancel(): void {
    current?.cancel();
    current = undefined;
  }

  return {
    set(now, inMs) {
      const at = now + inMs;
      if (current && current.at <= at) return;
      cancel();
      const cancelTimer = schedule(() => {
        current = undefined;
        onFire();
      }, Math.min(Math.ceil(inMs), MAX_TIMER_MS));
      current = { at, cancel: cancelTimer };
    },
    cancel,
  };
}
