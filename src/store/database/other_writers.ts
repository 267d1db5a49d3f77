/**
 * Whether another process has written to the file: `barnacle send` adds to the
 * outbox of a bot that runs. It rings a bell then (`host/files/doorbell.ts`); this is what the bot looks at.
 *
 * SQLite counts what others commit, and shows it to each connection in memory
 * that they share: looking costs microseconds and reads nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

export interface OtherWriters {
  /** Whether anybody else has committed anything since the last call, or since the start. */
  changedElsewhere(): boolean;
}

/** @param database Open, migrated, and owned by the caller. */
export function createOtherWriters(database: DatabaseSync): OtherWriters {
  const select = database.prepare("PRAGMA data_version");
  const versionNow = () => select.get()?.["data_version"];
  let version = versionNow();
  return {
    changedElsewhere() {
      const seen = version;
      version = versionNow();
      return version !== seen;
    },
  };
}
