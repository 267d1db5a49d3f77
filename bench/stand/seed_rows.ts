/**
 * Fills a store with rows, as if it had run for years.
 *
 * SQL multiplies the newest row that Barnacle itself wrote to the inbox and the outbox, so a new
 * column needs no change here. Only columns that must differ from row to row are named. Verdicts
 * are stored in full blocks, as after a flood of messages, from a few thousand people.
 */

import { DatabaseSync } from "node:sqlite";
import { createdAtMs, parseSnowflake } from "../../src/core/discord/ids.ts";
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

/** Verdicts in one block. */
const BLOCK = 256;
/** Rows of `fact` that the verdicts share. */
const FACTS = 4_000;

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
];

/** One generation, which the seeded blocks name: so no row of it is deleted. */
const FACT_SEED: Seed = {
  table: "fact",
  where: "verdict <> 'accept'",
  columns: {
    id: NEXT,
    generation: "t.id + 1",
    author_id: `CAST(${FIRST_MESSAGE_ID} + n AS TEXT)`,
  },
};

/** @param path A store that no process has open, with at least one row of each kind. */
export function seedRows(path: string, rows: number): void {
  if (rows === 0) return;
  const database = new DatabaseSync(path);
  try {
    database.function("nonce", (n) => nonceOfRow(Number(n), 0));
    for (const seed of SEEDS) multiply(database, seed, rows);
    seedVerdicts(database, rows);
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

function seedVerdicts(database: DatabaseSync, rows: number): void {
  multiply(database, FACT_SEED, FACTS);
  const lastFact = numberOf(database, "SELECT MAX(id) AS number FROM fact");
  let next = numberOf(database, "SELECT MAX(id + count) AS number FROM verdict_block");
  const insert = database.prepare(
    `INSERT INTO verdict_block (id, count, account_id, sent_from, sent_to, at, verdicts)
     SELECT ?, ?, account_id, ?, ?, at, ? FROM verdict_block ORDER BY id LIMIT 1`,
  );
  database.exec("BEGIN");
  for (let first = 1; first <= rows; first += BLOCK) {
    const count = Math.min(BLOCK, rows - first + 1);
    const ids = Array.from({ length: count }, (_, index) => messageIdOf(first + index));
    const verdicts = ids.map((id, index) => [id, lastFact - (first + index) % FACTS]);
    const [from = 0, to = from] = [ids[0], ids.at(-1)].flatMap((id) => id ? createdAtMs(id) : []);
    insert.run(next, count, from, to, JSON.stringify(verdicts));
    next += count;
  }
  database.exec("COMMIT");
}

const messageIdOf = (n: number) =>
  parseSnowflake<"message">(String(FIRST_MESSAGE_ID + BigInt(n) * STEP));

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(database.prepare(sql).get()?.["number"]);
}
