/**
 * The rows of the journal: records whose work the tables may not have yet (`write_behind.ts`).
 *
 * The table is a ring. The numbers of records rise, and a watermark tells up to which number the
 * tables have them all. It changes in the transaction of their work. A new record takes the place of
 * an old one. If the old ones were deleted instead, SQLite would give their pages back, and take new
 * ones right after that: a fifth of all that a reply writes.
 */

import type { DatabaseSync } from "node:sqlite";
import { integer, rows, text } from "../schema/columns.ts";

/** A record as it is stored. */
export interface JournalRow {
  /** Name of the code that does the record's work. */
  readonly kind: string;
  /** JSON. */
  readonly record: string;
}

/** A record with its number. */
export interface NumberedRow extends JournalRow {
  /** The first is 1. */
  readonly number: number;
}

/** Number of places, and so the maximum number of records that the tables lack. */
export const JOURNAL_PLACES = 512;

const NUMBER = rows({ number: integer() });
const ROW = rows({ number: integer(), kind: text(), record: text() });

/** Prepares the statements of the journal's tables. */
export function prepareJournal(database: DatabaseSync) {
  const upsert = database.prepare(
    `INSERT INTO journal (id, number, kind, record) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE
     SET number = excluded.number, kind = excluded.kind, record = excluded.record
     WHERE number <= ?`,
  );
  const selectNewest = database.prepare(
    `SELECT MAX(number, COALESCE((SELECT MAX(number) FROM journal), 0)) AS number
     FROM journal_done`,
  );
  const select = database.prepare(
    `SELECT number, kind, record FROM journal
     WHERE number > (SELECT number FROM journal_done) ORDER BY number`,
  );
  const done = database.prepare("UPDATE journal_done SET number = ?");
  const refuse = database.prepare(
    "INSERT INTO journal_refused (kind, record) SELECT kind, record FROM journal WHERE number = ?",
  );
  /** The newest number; `undefined` until it is read. A stored number is never used again. */
  let newest: number | undefined;

  return {
    /**
     * Adds a row as the newest.
     *
     * @param oldest Number of the oldest row that the tables lack; `undefined` if they lack none.
     * @returns Its number.
     * @throws {RangeError} If its place has a row that the tables lack: there are too many.
     */
    append({ kind, record }: JournalRow, oldest: number | undefined): number {
      const before = newest ?? NUMBER.read(selectNewest.get()).number;
      const number = newest = before + 1;
      const place = number % JOURNAL_PLACES;
      const { changes } = upsert.run(place, number, kind, record, oldest ? oldest - 1 : before);
      if (changes !== 1) {
        throw new RangeError("The tables lack a record in the place of a new one");
      }
      return number;
    },
    /** Takes back the numbers of rows that a failed transaction has undone. */
    undo: (): void => void (newest = undefined),
    /** Rows that the tables lack, oldest first. */
    tail: (): readonly NumberedRow[] => select.all().map(ROW.read),
    /** Notes that the tables have all rows up to a number. */
    done: (upTo: number): void => void done.run(upTo),
    /** Keeps a row whose work the tables refused, for the operator. */
    refuse: (number: number): void => void refuse.run(number),
  };
}

/** Milliseconds after which records that the tables have are deleted; a busy bot replaces them sooner. */
const CUT_EVERY_MS = 3_600_000;

/**
 * Prepares the deletion of records that the tables have: the rules of retention hold for them, too.
 *
 * @returns Takes a step; `now` is Unix time in milliseconds.
 */
export function prepareCutJournal(database: DatabaseSync): (now: number) => void {
  const cut = database.prepare(
    "DELETE FROM journal WHERE number <= (SELECT number FROM journal_done)",
  );
  let last: number | undefined;
  return (now) => {
    last ??= now;
    if (Math.abs(now - last) < CUT_EVERY_MS) return;
    cut.run();
    last = now; // a full disk does not count
  };
}
