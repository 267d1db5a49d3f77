/**
 * Brings a database to the schema of this Barnacle. Schemas are numbered, and migrations only go
 * forward.
 *
 * The number is in the file itself (`user_version`) and changes in the transaction of the tables. So
 * a process that dies here has changed nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { SCHEMA_1 } from "../schema/schema_1.ts";
import { transactNow } from "./transact.ts";

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

/**
 * Runs the migrations that the database lacks, all or none.
 *
 * @param backUp Called first if the database has tables, with its schema's number.
 * @throws {unknown} The error of `backUp` or of SQLite, with nothing changed.
 */
export function migrate(
  database: DatabaseSync,
  migrations: readonly string[],
  backUp: (schema: number) => void,
): void {
  const from = schemaOf(database);
  if (from >= migrations.length) return;
  if (from > 0) backUp(from);
  transactNow(database, () => {
    for (const sql of migrations.slice(from)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
