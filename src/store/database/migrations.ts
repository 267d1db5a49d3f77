/**
 * Brings a database to the schema of this Barnacle. Schemas are numbered, and migrations only go
 * forward.
 *
 * The number is in the file itself (`user_version`) and changes in the transaction of the tables. So
 * a process that dies here has changed nothing.
 */

import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { transactNow } from "./transact.ts";
import {
  CHANGE_TABLES,
  FEED_TABLES,
  HOOK_TABLES,
  NOTE_TABLES,
  NOTE_WORDS,
  SCHEDULE_TABLES,
} from "../schema/agent.ts";
import {
  APPLICATION_OWNER,
  GATEWAY_TABLES,
  SETTING_TABLES,
  TREND,
  USAGE_TABLES,
} from "../schema/bot.ts";
import type { DeclaredTable } from "../schema/columns.ts";
import {
  JUDGED,
  KNOWN_MESSAGES,
  KNOWN_TABLES,
  OUTBOX,
  REACTIONS,
  RECEIVED,
  UNANSWERED,
} from "../schema/messages.ts";
import {
  ACTION_RUN_TABLES,
  PAIRING_TABLES,
  QUESTION_TABLES,
  THREAD_TABLES,
} from "../schema/people.ts";

/** SQL for the journal in front of all other tables (`journal.ts`). */
export const JOURNAL = `
  CREATE TABLE journal (
    id     INTEGER PRIMARY KEY, -- place in the ring
    number INTEGER NOT NULL, -- in the order of storing
    kind   TEXT NOT NULL, -- name of the code that does the work
    record TEXT NOT NULL -- JSON
  ) STRICT;
  CREATE TABLE journal_done (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL -- the tables have all records up to it
  ) STRICT;
  INSERT INTO journal_done (id, number) VALUES (1, 0);
  CREATE TABLE journal_refused ( -- records that the tables refused; kept for the operator
    id     INTEGER PRIMARY KEY,
    kind   TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
`;

// The tables of the store, one file for each topic.
//
// Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or 1. The
// transactions of an answered message are rows of the journal first. Many of them together change
// the tables a moment later (`database/commits.ts`).

/** SQL for the first journal, before schema 2 made it a ring. */
const JOURNAL_1 = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- name of the code that does the work
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables refused it; kept for the operator
  ) STRICT;
`;

/** The declared tables. */
export const DECLARED: readonly DeclaredTable[] = [
  ...GATEWAY_TABLES,
  ...USAGE_TABLES,
  ...THREAD_TABLES,
  ...SCHEDULE_TABLES,
  ...CHANGE_TABLES,
  ...QUESTION_TABLES,
  ...NOTE_TABLES,
  ...PAIRING_TABLES,
  ...SETTING_TABLES,
];

/**
 * SQL that creates all tables, indexes and views of schema 1.
 *
 * A released schema never changes: a later one is a migration of its own.
 */
const SCHEMA_1: string = [
  JOURNAL_1,
  RECEIVED,
  JUDGED,
  OUTBOX,
  REACTIONS,
  ...DECLARED.map(({ ddl }) => ddl),
  NOTE_WORDS,
].join("");

/** SQL that makes the journal a ring. Its records keep their order. */
const SCHEMA_2 = `
  ALTER TABLE journal RENAME TO journal_1;
  ${JOURNAL}
  INSERT INTO journal_refused (kind, record)
    SELECT kind, record FROM journal_1 WHERE is_refused = 1 ORDER BY id;
  INSERT INTO journal (id, number, kind, record)
    SELECT ROW_NUMBER() OVER (ORDER BY id), ROW_NUMBER() OVER (ORDER BY id), kind, record
    FROM journal_1 WHERE is_refused = 0;
  DROP TABLE journal_1;
`;

/** SQL for the figures of the dashboard's charts. */
const SCHEMA_3 = TREND.ddl;

/** SQL for hooks, feeds, runs of offered actions, and the messages that people search. */
const SCHEMA_4 = [
  ...[...FEED_TABLES, ...ACTION_RUN_TABLES, ...HOOK_TABLES, ...KNOWN_TABLES].map(({ ddl }) => ddl),
  KNOWN_MESSAGES,
].join("");

/**
 * SQL for messages without an answer whose senders do not know it yet, for the bot's team, and for the
 * fields that a model's server attached to an answer.
 */
const SCHEMA_5 = UNANSWERED.ddl + APPLICATION_OWNER.ddl +
  "ALTER TABLE entry ADD COLUMN carried TEXT; ALTER TABLE note ADD COLUMN channel_id TEXT;";

/** The migration at index `n` leads from schema `n` to `n + 1`; a released one never changes. */
export const MIGRATIONS: readonly string[] = [SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5];

/**
 * Reads the number of the file's schema.
 *
 * @returns 0 for a file without tables of ours.
 * @throws {TypeError} If SQLite does not tell the number.
 */
export function schemaOf(database: DatabaseSync): number {
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (typeof version !== "number") throw new TypeError("SQLite named no user_version");
  return version;
}

/** SHA-256 of the columns of each schema, from 1 on (`columnsOf`). */
export const COLUMNS: readonly string[] = [
  "7d2bb304e47099cc773769b8d005a81e68ff4b9dbc0d254ffa10d63373d6cfea",
  "2ee4c0ef4d57fbf7a70457d23ae0f6237c3de1b142783265dc534d6b885bae19",
  "dfa32a7055d09009377a2f5d7a00657d89c116c8472c2b730f382f6614dddc57",
  "66504513e54c3f2b1e7ef07a5afa9010140e3492ea04f9526bfc8de3e4900983",
  "7109fb46b2bd8b26a8964685d30763e241fad7ead7a4537730ea788174e2b07f",
];

/**
 * Reads a digest of all columns, in the file's order of columns. Builds before the first release
 * called every schema 1, so a number alone proves nothing.
 */
export function columnsOf(database: DatabaseSync): string {
  const columns = database.prepare(
    `SELECT "table".name AS name, "column".name AS of, "column".type AS type,
       "column"."notnull" AS required, "column".dflt_value AS standard, "column".pk AS key
     FROM pragma_table_list AS "table" JOIN pragma_table_xinfo("table".name) AS "column"
     WHERE "table".schema = 'main' AND "table".type = 'table'
       AND "table".name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
     ORDER BY "table".name, "column".cid`,
  ).all().map((row) => Object.values(row).join(" "));
  return createHash("sha256").update(columns.join("\n")).digest("hex");
}

/**
 * Runs the migrations that the database lacks, all or none. Of two processes at once, the second one
 * waits for the first, and finds nothing to do.
 *
 * @param backUp Called first if the database has tables, with its schema's number. No other
 * connection writes meanwhile.
 * @throws {unknown} The error of `backUp` or of SQLite, with nothing changed.
 */
export function migrate(
  database: DatabaseSync,
  migrations: readonly string[],
  backUp: (schema: number) => void,
): void {
  if (schemaOf(database) >= migrations.length) return;
  transactNow(database, () => {
    const from = schemaOf(database);
    if (from >= migrations.length) return;
    if (from > 0) backUp(from);
    for (const sql of migrations.slice(from)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
