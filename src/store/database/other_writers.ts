/**
 * Tells whether another process has written to the file.
 *
 * `barnacle send` adds to the outbox of a running bot, and then notifies it through a file
 * (`host/files/watch_path.ts`). The bot then calls this module.
 *
 * SQLite counts the commits of other connections, and shows the count to each connection in shared
 * memory. A check takes 5 to 8 µs and reads no page.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { OtherWriters } from "../../core/store/store.ts";
import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** Creates the watch; commits from now on count. */
export function createOtherWriters(database: DatabaseSync): OtherWriters {
  const select = database.prepare("PRAGMA data_version");
  const versionNow = () => select.get()?.["data_version"];
  let version = versionNow();
  return {
    changedElsewhere() {
      const before = version;
      version = versionNow();
      return version !== before;
    },
  };
}

/** The check that all burst watches of a connection share. */
interface SharedCheck {
  /** Number of changes that the checks have found so far. */
  readonly changes: () => number;
  /** Checks, unless this turn of the event loop has done so already. */
  readonly run: () => void;
}

const sharedChecks = new WeakMap<DatabaseSync, SharedCheck>();

function createSharedCheck(database: DatabaseSync): SharedCheck {
  const watch = createOtherWriters(database);
  let isChecked = false;
  let changes = 0;
  return {
    changes: () => changes,
    run() {
      if (isChecked) return;
      isChecked = true;
      setImmediate(() => isChecked = false);
      if (watch.changedElsewhere()) changes++;
    },
  };
}

/**
 * Creates a check for memory that many turns of a burst use. A connection checks once in each turn
 * of the event loop, for all of its burst watches, and each watch reports the change by itself.
 * Another process may write right after a check in any case, until the work that follows it is
 * committed.
 */
export function createBurstWatch(database: DatabaseSync): OtherWriters {
  const check = sharedChecks.get(database) ?? createSharedCheck(database);
  sharedChecks.set(database, check);
  let seen = check.changes();
  return {
    changedElsewhere() {
      check.run();
      const before = seen;
      seen = check.changes();
      return seen !== before;
    },
  };
}

/** The dependencies of the watch. */
interface WritersPorts {
  /** Methods of the store. */
  readonly store: OtherWriters;
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
