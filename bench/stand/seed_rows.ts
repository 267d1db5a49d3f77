/**
 * Fills a store with rows, as if it had run for years.
 *
 * SQL multiplies the newest row that Barnacle itself wrote to the inbox and the outbox, so a new
 * column needs no change here. Only columns that must differ from row to row are named. Verdicts
 * are on messages of a few thousand people.
 */

import { DatabaseSync } from "node:sqlite";
import { nonceOfRow } from "../../src/core/outbound/nonce.ts";

interface Seed {
  readonly table: string;
  /** Condition for the model row. */
  readonly where: string;
  /** Expressions by column; `n` is the number of the row, from 1, and `t` the copied row. */
  readonly columns: Readonly<Record<string, string>>;
}

/** Older than any message of the bench, and rising as ids do. */
const FIRST_MESSAGE_ID = 1_300_000_000_000_000_000n;
/** One millisecond of ids. */
const STEP = 4_194_304n;
const MESSAGE_ID = `CAST(${FIRST_MESSAGE_ID} + n * ${STEP} AS TEXT)`;

/** SQLite gives the row the next number. */
const NEXT = "NULL";

const SEEDS: readonly Seed[] = [
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
      nonce: "nonce(n)", // spread over all of its index, as real ones are
      cause_id: MESSAGE_ID,
      message_id: `CAST(${FIRST_MESSAGE_ID + 1n} + n * ${STEP} AS TEXT)`,
      message: `replace(t.message, t.cause_id, ${MESSAGE_ID})`,
    },
  },
  {
    table: "decision",
    where: "verdict <> 'accept'",
    columns: {
      id: NEXT,
      message_id: MESSAGE_ID,
      author_id: `CAST(${FIRST_MESSAGE_ID} + n % 4000 AS TEXT)`,
    },
  },
];

/** @param path A store that no process has open, with at least one row of each kind. */
export function seedRows(path: string, rows: number): void {
  if (rows === 0) return;
  const database = new DatabaseSync(path);
  try {
    database.function("nonce", (n) => nonceOfRow(Number(n), 0));
    for (const seed of SEEDS) multiply(database, seed, rows);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

function multiply(database: DatabaseSync, { table, where, columns }: Seed, rows: number): void {
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
