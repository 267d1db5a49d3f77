/**
 * Notices that another process has written to the store: `barnacle send`, or a pairing that is
 * decided on the command line.
 *
 * @module
 */

import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import type { Store } from "../../store/store.ts";

export interface WritersPorts {
  readonly store: Pick<Store, "changedElsewhere">;
  /**
   * Listens for other processes that write to the store.
   *
   * @returns What ends it; `undefined` where they cannot be heard.
   */
  readonly hear: (onWritten: () => void) => (() => void) | undefined;
  readonly schedule: Schedule;
  /** Another process has written. */
  readonly onWritten: () => void;
  readonly log: Log;
}

/**
 * How often it is looked whether another process has written to the store, in milliseconds: one that
 * died before it could tell. The second holds where none can tell.
 */
const LOOK_EVERY_MS = 60_000;
const BLIND_LOOK_EVERY_MS = 5_000;
/** Milliseconds from a ring to a second look: Bun tells one event of two within a millisecond. */
const SECOND_LOOK_MS = 250;

/** @returns Ends it. */
export function watchWriters(
  { store, hear, schedule, onWritten, log }: WritersPorts,
): () => void {
  let lookEveryMs = BLIND_LOOK_EVERY_MS;
  let cancel = () => {};

  function look(): void {
    try {
      if (store.changedElsewhere()) onWritten();
    } catch (error) {
      log.warn("Cannot look whether another process has written", { error });
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
