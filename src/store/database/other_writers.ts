/**
 * Tells whether another process has written to the file.
 *
 * `barnacle send` adds to the outbox of a running bot, and then notifies it through a file
 * (`host/files/wake_file.ts`). The bot then calls this module.
 *
 * SQLite counts the commits of other connections, and shows the count to each connection in shared
 * memory. A check takes microseconds and reads no page.
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
