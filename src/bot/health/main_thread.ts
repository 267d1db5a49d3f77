/**
 * How the main thread moves: when it was last seen to, and by how much it was late.
 *
 * @module
 */

import type { Meters } from "../../http/metrics.ts";
import type { Schedule } from "../../lib/schedule.ts";

export interface MainThreadPorts {
  readonly metrics: Pick<Meters, "eventLoopLagSec">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

export interface MainThread {
  /** The thread moves now. */
  moved(): void;
  /** Something waited so long for the thread. */
  delayed(ms: number): void;
  /** Unix time in milliseconds at which it was last seen to move. */
  readonly tickAt: number;
  /** Its longest delay of the last minute. */
  lagMs(): number;
  stop(): void;
}

/** How often the thread's timers are seen to run, in milliseconds; `/livez` allows 60 s. */
const PULSE_MS = 30_000;
/** For how long delays are remembered, in milliseconds. */
const DELAYS_MS = 60_000;

export function watchMainThread({ metrics, now, schedule }: MainThreadPorts): MainThread {
  let tickAt = now();
  let pulseAt = tickAt + PULSE_MS;
  let delays: readonly { readonly at: number; readonly ms: number }[] = [];
  let callOff = schedule(pulse, PULSE_MS);

  /** Keeps what may yet be the longest of the last minute: each is longer than all after it. */
  function delayed(ms: number): void {
    const at = now();
    metrics.eventLoopLagSec.observe(ms / 1_000, { thread: "main" });
    delays = [...delays.filter((one) => one.ms > ms && at - one.at < DELAYS_MS), { at, ms }];
  }

  function pulse(): void {
    tickAt = now();
    delayed(Math.max(0, tickAt - pulseAt));
    pulseAt = tickAt + PULSE_MS;
    callOff = schedule(pulse, PULSE_MS);
  }

  return {
    moved: () => void (tickAt = now()),
    delayed,
    get tickAt() {
      return tickAt;
    },
    lagMs: () => Math.max(0, ...delays.flatMap(({ at, ms }) => now() - at < DELAYS_MS ? [ms] : [])),
    stop: () => callOff(),
  };
}
