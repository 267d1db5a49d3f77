/**
 * The rows of the journal: records whose work the tables may not have yet (`write_behind.ts`).
 *
 * The table is a ring. The numbers of records rise, and a watermark tells up to which number the
 * tables have them all. It changes in the transaction of their work. A new record takes the place of
 * an old one. If the old ones were deleted instead, SQLite would give their pages back, and take new
 * ones right after that: a fifth of all that a reply writes.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "./statements.ts";
import { integer, rows, text } from "../schema/columns.ts";

export interface JournalRow {
  /** Name of the code that does the record's work. */
  readonly kind: string;
  readonly record: string;
}

interface NumberedRow extends JournalRow {
  /** The first is 1. */
  readonly number: number;
}

/** Number of places, and so the maximum number of records that the tables lack. */
export const JOURNAL_PLACES = 512;

const NUMBER = rows({ number: integer() });
const ROW = rows({ number: integer(), kind: text(), record: text() });

export function prepareJournal(database: DatabaseSync) {
  const sql = statementsOf(database);
  const upsert = sql`INSERT INTO journal (id, number, kind, record) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE
     SET number = excluded.number, kind = excluded.kind, record = excluded.record
     WHERE number <= ?`;
  const selectNewest = sql`
    SELECT MAX(number, COALESCE((SELECT MAX(number) FROM journal), 0)) AS number
    FROM journal_done`;
  const select = sql`SELECT number, kind, record FROM journal
     WHERE number > (SELECT number FROM journal_done) ORDER BY number`;
  const done = sql`UPDATE journal_done SET number = ?`;
  const refuse = sql`
    INSERT INTO journal_refused (kind, record) SELECT kind, record FROM journal WHERE number = ?`;
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
  const sql = statementsOf(database);
  const cut = sql`DELETE FROM journal WHERE number <= (SELECT number FROM journal_done)`;
  let last: number | undefined;
  return (now) => {
    last ??= now;
    if (Math.abs(now - last) < CUT_EVERY_MS) return;
    cut.run();
    last = now; // a full disk does not count
  };
}

/** Rows of one table that wait, by their keys. */
export interface TailRows<Row> {
  /**
   * Adds a row: it waits if the tail is being folded, and is written at once otherwise.
   *
   * @returns Whether the table took the row, as far as is known.
   * @throws {RangeError} If a row with this key waits.
   */
  add(key: string, row: Row): boolean;
  /** The row that waits, to change it. */
  find(key: string): Row | undefined;
}

/** The rows of all tables that wait for the end of a catch-up. */
export interface Tail {
  /**
   * Prepares the rows of a table. Tables are written in the order of their preparation.
   *
   * @param write Writes a row. Returns whether the table took it.
   */
  table<Row>(write: (row: Row) => boolean): TailRows<Row>;
  /** Lets added rows wait from now on. */
  fold(): void;
  /**
   * Writes the rows that wait.
   *
   * @throws {unknown} The error of SQLite, or a RangeError if a table did not take its row.
   */
  write(): void;
  /** As {@link write}; rows do not wait any more. */
  end(): void;
  /** Forgets the rows, because the transaction was undone; rows do not wait any more. */
  forget(): void;
}

/**
 * Folds the records that the tables lack, so that a catch-up writes each row once, in its last state.
 *
 * A row that a record adds waits until the end of the catch-up, and later records change it there.
 * A row that the tables have is changed at once. If two records do not fit together, or the tables
 * refuse a row that waited, the catch-up is undone. It then runs again without waiting rows, and only
 * the record to blame is set aside (`write_behind.ts`).
 */
export function createTail(): Tail {
  const tables: { readonly write: () => void; readonly forget: () => void }[] = [];
  let isFolding = false;

  function write(): void {
    for (const table of tables) table.write();
  }

  return {
    table<Row>(writeRow: (row: Row) => boolean): TailRows<Row> {
      const waiting = new Map<string, Row>();
      tables.push({
        write() {
          for (const row of waiting.values()) {
            if (!writeRow(row)) throw new RangeError("A table did not take a row of the tail");
          }
          waiting.clear();
        },
        forget: () => waiting.clear(),
      });
      return {
        add(key, row) {
          if (!isFolding) return writeRow(row);
          if (waiting.has(key)) throw new RangeError("Two records of the tail add the same row");
          waiting.set(key, row);
          return true;
        },
        find: (key) => waiting.get(key),
      };
    },
    fold: () => void (isFolding = true),
    write,
    end() {
      write();
      isFolding = false;
    },
    forget() {
      isFolding = false;
      for (const table of tables) table.forget();
    },
  };
}
