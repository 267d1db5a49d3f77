/**
 * Notices that another process has written to the store: `barnacle send`, or a pairing decided on
 * the command line.
 *
 * @module
 */

import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of the watch. */
export interface WritersPorts {
  /** Methods of the store. */
  readonly store: Pick<Store, "changedElsewhere">;
  /**
   * Listens for other processes that write to the store.
   *
   * @returns Stops listening; `undefined` if the host has no way to listen.
   */
  readonly hear: (onWritten: () => void) => (() => void) | undefined;
  /** Timer. */
  readonly schedule: StartTimer;
  /** Another process has written. */
  readonly onWritten: () => void;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/**
 * Milliseconds between two checks for writes of another process, for one that died before it could
 * ring. The second value holds where no process can ring.
 */
const LOOK_EVERY_MS = 60_000;
const BLIND_LOOK_EVERY_MS = 5_000;
/**
 * Milliseconds from a ring to a second check: Bun reports one of two events within a millisecond.
 */
const SECOND_LOOK_MS = 250;

/**
 * Watches for writes of other processes.
 *
 * @returns Stops watching.
 */
export function watchWriters(
  { store, hear, schedule, onWritten, log }: WritersPorts,
): () => void {
  let lookEveryMs = BLIND_LOOK_EVERY_MS;
  let cancel = () => {};

  function look(): void {
    try {
      if (store.changedElsewhere()) onWritten();
    } catch (error) {
      log.warn("Cannot check whether another process has written", { error });
    }
  }

  function lookIn(ms: number): void {
    cancel();
    cancel = schedule(() => {
      look();
      lookIn(lookEveryMs);
    }, ms);
  }

  const stopHearing = hear(() => {
    look();
    lookIn(SECOND_LOOK_MS);
  });
  if (stopHearing) lookEveryMs = LOOK_EVERY_MS;
  lookIn(lookEveryMs);

  return () => {
    stopHearing?.();
    cancel();
  };
}
