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
