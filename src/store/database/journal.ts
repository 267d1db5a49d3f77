/**
 * The journal: stored work that the tables do not have yet.
 *
 * A row is one transaction as JSON, with the name of the code that does it. Its work and its
 * removal are one transaction of SQLite. So the work is done exactly once. One of three processes
 * does it: the bot a moment later, the next start after a crash, or a command that opens the store
 * in between.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/** A record as it is stored. */
export interface JournalRow {
  /** Name of the code that does the record's work. */
  readonly kind: string;
  /** JSON. */
  readonly record: string;
}

/**
 * The journal's rows. All methods run within the caller's transaction; `append` may be one by
 * itself.
 */
export interface Journal {
  /**
   * Adds a row as the newest.
   *
   * @returns The number of the row. Numbers rise for as long as the process lives.
   */
  append(row: JournalRow): number;
  /** The number of the oldest row whose work is still to be done; `undefined` if there is none. */
  oldest(): number | undefined;
  /** Rows whose work is still to be done, oldest first. */
  rows(): readonly (JournalRow & { readonly id: number })[];
  /** Removes every row up to a number, except refused ones. */
  clear(upTo: number): void;
  /** Keeps a row whose work the tables refused, and skips it from now on. */
  refuse(id: number): void;
}

/** Prepares the statements of the journal's table. */
export function prepareJournal(database: DatabaseSync): Journal {
  const insert = database.prepare("INSERT INTO journal (id, kind, record) VALUES (?, ?, ?)");
  const selectOldest = database.prepare("SELECT MIN(id) AS id FROM journal WHERE is_refused = 0");
  const selectNewest = database.prepare("SELECT MAX(id) AS id FROM journal");
  const select = database.prepare(
    "SELECT id, kind, record FROM journal WHERE is_refused = 0 ORDER BY id",
  );
  const clear = database.prepare("DELETE FROM journal WHERE is_refused = 0 AND id <= ?");
  const refuse = database.prepare("UPDATE journal SET is_refused = 1 WHERE id = ?");
  const idIn = (row: Record<string, unknown> | undefined): number | undefined => {
    const id = row?.["id"];
    return typeof id === "number" ? id : undefined;
  };
  let lastId: number | undefined;
  return {
    append({ kind, record }) {
      // Never reuse a number: another process may have emptied the table meanwhile.
      lastId = (lastId ?? idIn(selectNewest.get()) ?? 0) + 1;
      insert.run(lastId, kind, record);
      return lastId;
    },
    oldest: () => idIn(selectOldest.get()),
    rows: () =>
      select.all().map(({ id, kind, record }) => ({
        id: Number(id),
        kind: String(kind),
        record: String(record),
      })),
    clear: (upTo) => void clear.run(upTo),
    refuse: (id) => void refuse.run(id),
  };
}
