/**
 * One timer, set to the earliest of the times that were asked for.
 *
 * @module
 */

import { MAX_TIMER_MS, type Schedule } from "../../../lib/schedule.ts";

export interface Alarm {
  /** Rings after so many milliseconds, unless it rings sooner already. */
  set(now: number, inMs: number): void;
  cancel(): void;
}

/** @param onRing Called at the time, or before it: a timer has a longest time. */
export function createAlarm(schedule: Schedule, onRing: () => void): Alarm {
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
      const callOff = schedule(() => {
        current = undefined;
        onRing();
      }, Math.min(Math.ceil(inMs), MAX_TIMER_MS));
      current = { at, cancel: callOff };
    },
    cancel,
  };
}
