/**
 * Fills a store with rows like those that it has, as if it had run for years.
 *
 * Each table is multiplied by SQL from the newest row that Barnacle itself wrote, so a new column
 * needs no change here. Only columns that must differ from row to row are named.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

interface Seed {
  readonly table: string;
  /** Which of its rows is the model. */
  readonly where: string;
  /** Expressions by column; `n` is the number of the row, from 1, and `t` the row that is copied. */
  readonly columns: Readonly<Record<string, string>>;
}

/** Older than any message of the bench, and rising as ids do. */
const MESSAGE_ID = "CAST(1300000000000000000 + n * 4194304 AS TEXT)";

/** SQLite gives the row the next number. */
const NEXT = "NULL";

const SEEDS: readonly Seed[] = [
  {
    table: "decision",
    where: "verdict <> 'accept'",
    columns: { id: NEXT, message_id: MESSAGE_ID },
  },
  {
    table: "inbox",
    where: "state = 'answered'",
    columns: {
      id: NEXT,
      message_id: MESSAGE_ID,
      message: `replace(t.message, t.message_id, ${MESSAGE_ID})`,
    },
  },
  {
    table: "outbox",
    where: "state = 'sent'",
    columns: {
      id: NEXT,
      nonce: "'seeded' || n",
      cause_id: MESSAGE_ID,
      message_id: "CAST(1300000000000000001 + n * 4194304 AS TEXT)",
      message: `replace(t.message, t.cause_id, ${MESSAGE_ID})`,
    },
  },
];

/** @param path A store that no process has open, with at least one row of each kind. */
export function seedRows(path: string, rows: number): void {
  if (rows === 0) return;
  const database = new DatabaseSync(path);
  try {
    for (const { table, where, columns } of SEEDS) {
      const all = database.prepare("SELECT name FROM pragma_table_info(?)").all(table)
        .map(({ name }) => String(name));
      const values = all.map((name) => columns[name] ?? `t.${name}`);
      const { changes } = database.prepare(
        `WITH RECURSIVE
           number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?),
           t AS MATERIALIZED (SELECT * FROM ${table} WHERE ${where} ORDER BY id DESC LIMIT 1)
         INSERT INTO ${table} (${all.join()}) SELECT ${values.join()} FROM number, t`,
      ).run(rows);
      if (Number(changes) !== rows) throw new Error(`${table} has no row to copy: ${where}`);
    }
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}
