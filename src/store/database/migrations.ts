/**
 * Brings a database to the schema of this Barnacle: numbered, and forward only.
 *
 * The number is in the file itself (`user_version`) and changes in the same
 * transaction as the tables, so a process that dies here has changed nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { SCHEMA_1 } from "../schema/schema_1.ts";
import { transactNow } from "./transact.ts";

/** The one at index `n` leads from schema `n` to `n + 1`; a released one never changes. */
export const MIGRATIONS: readonly string[] = [SCHEMA_1];

/** @returns The number of the schema that is in the file; 0 for one without tables of ours. */
export function schemaOf(database: DatabaseSync): number {
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (typeof version !== "number") throw new TypeError("SQLite named no user_version");
  return version;
}

/**
 * Runs the migrations that the database lacks, all or none.
 *
 * @param backUp Called first where there is something to lose; told the number that it has.
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
