/**
 * Deletes old records of the store in small steps while the bot is idle (X6).
 *
 * Each batch of messages and each sign of life of a session takes a step, too. This flow takes the
 * others: after a lower retention, or after a long time without the bot, a year of records may be
 * due. A step deletes a bounded number of rows, and the next one waits until nothing else was stored
 * for a moment. So no reply waits for more than one step.
 */

import type { Timers } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../lib/log.ts";

/** Milliseconds after a start until the first look. */
const FIRST_MS = 60_000;
/** Milliseconds without another commit after which the store is idle; also between two steps. */
const IDLE_MS = 250;
/** Milliseconds until the next look at a store that was busy. */
const BUSY_MS = 5_000;
/** Milliseconds after the last step of a round until the next round. */
const REST_MS = 60 * 60_000;

export function startPruning(
  { store, schedule, now, log }: Timers & { readonly store: Store; readonly log: Log },
): { stop(): void } {
  let isStopped = false;
  let cancel = schedule(watch, FIRST_MS);
  let writes = 0;

  /** Begins a moment in which nothing may be stored. */
  function watch(): void {
    writes = store.writes();
    cancel = schedule(look, IDLE_MS);
  }

  function look(): void {
    if (store.writes() === writes) void step();
    else cancel = schedule(watch, BUSY_MS);
  }

  async function step(): Promise<void> {
    let restMs = REST_MS;
    try {
      if (await store.upkeep.prune(now())) restMs = 0;
    } catch (error) {
      log.warn("Cannot delete old records", { error });
    }
    if (isStopped) return;
    if (restMs === 0) watch();
    else cancel = schedule(watch, restMs);
  }

  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
