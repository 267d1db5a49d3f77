/**
 * Tells whether another process has written to the file.
 *
 * `barnacle send` adds to the outbox of a running bot, and then notifies it through a file
 * (`host/files/wake_file.ts`). The bot then calls this module.
 *
 * SQLite counts the commits of other connections, and shows the count to each connection in shared
 * memory. A check takes 5 to 8 µs and reads no page.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/** Watches for commits of other connections. */
export interface OtherWriters {
  /** Whether another connection has committed since the last call, or since the start. */
  changedElsewhere(): boolean;
}

/**
 * Creates the watch; commits from now on count.
 *
 * @param database Open, migrated, and owned by the caller.
 */
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

/**
 * The same for memory that many turns of a burst use: it checks once in each turn of the event loop.
 * Another process may write right after a check in any case, until the work that follows it is
 * committed.
 */
export function createBurstWatch(database: DatabaseSync): OtherWriters {
  const watch = createOtherWriters(database);
  let isChecked = false;
  return {
    changedElsewhere() {
      if (isChecked) return false;
      isChecked = true;
      setImmediate(() => isChecked = false);
      return watch.changedElsewhere();
    },
  };
}
