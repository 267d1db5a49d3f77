/** Measures how well the main thread runs: when it last ran, and its delays. */

import type { Meters } from "../metrics.ts";
import type { Account } from "../../core/account/account.ts";

/** Milliseconds between two checks that timers run; `/livez` allows 60 s. */
const PULSE_MS = 30_000;
/** How long delays are kept, in milliseconds. */
const DELAYS_MS = 60_000;

export function createMainThreadMonitor(
  metrics: Pick<Meters, "eventLoopLagSec">,
  { now, schedule }: Pick<Account, "now" | "schedule">,
) {
  let tickAt = now();
  let pulseAt = tickAt + PULSE_MS;
  const delays: { readonly at: number; readonly ms: number }[] = [];
  let cancel = schedule(pulse, PULSE_MS);

  /**
   * Keeps delays that can still be the longest of the last minute: each is longer than all after
   * it.
   */
  function delayed(ms: number): void {
    const at = now();
    metrics.eventLoopLagSec.observe(ms / 1_000, { thread: "main" });
    while ((delays.at(-1)?.ms ?? Infinity) <= ms) delays.pop();
    while (at - (delays[0]?.at ?? at) >= DELAYS_MS) delays.shift();
    delays.push({ at, ms });
  }

  function pulse(): void {
    tickAt = now();
    delayed(Math.max(0, tickAt - pulseAt));
    pulseAt = tickAt + PULSE_MS;
    cancel = schedule(pulse, PULSE_MS);
  }

  return {
    moved: () => void (tickAt = now()),
    delayed,
    get tickAt() {
      return tickAt;
    },
    lagMs: () => Math.max(0, ...delays.flatMap(({ at, ms }) => now() - at < DELAYS_MS ? [ms] : [])),
    stop: () => cancel(),
  };
}
