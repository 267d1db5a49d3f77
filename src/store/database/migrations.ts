/**
 * Brings a database to the schema of this Barnacle. Schemas are numbered, and migrations only go
 * forward.
 *
 * The number is in the file itself (`user_version`) and changes in the transaction of the tables. So
 * a process that dies here has changed nothing.
 */

import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { transactNow } from "./commits.ts";
import { TABLES } from "../schema/tables.ts";

/**
 * SQL that creates all tables, indexes and views.
 *
 * A released schema never changes: a later one is a migration of its own.
 */
const SCHEMA_1: string = TABLES.map(({ ddl }) => ddl).join("");

/** The migration at index `n` leads from schema `n` to `n + 1`; a released one never changes. */
export const MIGRATIONS: readonly string[] = [SCHEMA_1];

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
  "8d67e5be1e41489f5a1598e0350bca10ee81e3969007c5fef626137ef88b7e5e",
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
