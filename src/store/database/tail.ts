/**
 * Folds the records that the tables lack, so that a catch-up writes each row once, in its last state.
 *
 * A row that a record adds waits until the end of the catch-up, and later records change it there.
 * A row that the tables have is changed at once. If two records do not fit together, or the tables
 * refuse a row that waited, the catch-up is undone. It then runs again without waiting rows, and only
 * the record to blame is set aside (`write_behind.ts`).
 */

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

/** Creates a tail in which rows do not wait yet. */
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
