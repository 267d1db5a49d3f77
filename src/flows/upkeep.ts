/**
 * Deletes old records of the store, and removed words of its log, in small steps while the bot is
 * idle (X6, H6a).
 *
 * Each batch of messages and each sign of life of a session deletes some records, too. This flow
 * takes the others: after a lower retention, or after a long time without the bot, a year of records
 * may be due. A step deletes a bounded number of rows, and the next one waits until nothing else was
 * stored for a moment. So no reply waits for more than one step.
 *
 * The last step of a round empties the log. So it ends soon after a removal, also after one that a
 * process before has stored.
 */

import type { Timers } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../lib/log.ts";

/** Milliseconds until a round begins: after a start, a removal, and a step that failed. */
const SOON_MS = 60_000;
/** Milliseconds without another commit after which the store is idle; also between two steps. */
const IDLE_MS = 250;
/** Milliseconds until the next look at a store that was busy. */
const BUSY_MS = 5_000;
/** Milliseconds after the last step of a round until the next round. */
const REST_MS = 60 * 60_000;

export function startUpkeep(
  { store: { forgetting, upkeep, writes }, schedule, now, log }: Timers & {
    readonly store: Store;
    readonly log: Log;
  },
): { stop(): void } {
  let isStopped = false;
  let isResting = false;
  /** Whether words were removed since the log was emptied. */
  let isDue = false;
  let before = 0;
  let cancel = schedule(watch, SOON_MS);
  upkeep.whenRemoved(() => {
    isDue = true;
    if (!isResting) return;
    cancel();
    wait(SOON_MS);
  });

  function wait(ms: number): void {
    isResting = ms === REST_MS;
    cancel = schedule(watch, ms);
  }

  /** Begins a moment in which nothing may be stored. */
  function watch(): void {
    isResting = false;
    before = writes();
    cancel = schedule(look, IDLE_MS);
  }

  function look(): void {
    if (writes() === before) void step();
    else wait(BUSY_MS);
  }

  async function step(): Promise<void> {
    let restMs = SOON_MS;
    try {
      restMs = await mayRest() ? REST_MS : 0;
    } catch (error) {
      log.warn("Cannot remove all old data from the store yet", { error });
    }
    if (isStopped) return;
    if (restMs === 0) watch();
    else wait(isDue ? SOON_MS : restMs);
  }

  /** @returns Whether nothing is left of a round. */
  async function mayRest(): Promise<boolean> {
    if (await upkeep.prune(now())) return false;
    isDue = false;
    if (await forgetting.isVacuumDue()) await forgetting.vacuum();
    else if (!await upkeep.emptyLog()) throw new Error("another process reads the database");
    return true;
  }

  return {
    stop() {
      isStopped = true;
      isResting = false;
      cancel();
    },
  };
}
