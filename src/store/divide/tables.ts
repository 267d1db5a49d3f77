/** Prepares a file that gets the rows of other stores, and lists its tables. */

import type { DatabaseSync } from "node:sqlite";
import { rmSync } from "node:fs";
import { z } from "zod";
import { openDatabase } from "../database/database.ts";
import { syncFile } from "../database/database_files.ts";
import { StoreError, toStoreError } from "../database/store_error.ts";
import { MADE_ANEW } from "./placing.ts";

/** Shadow tables of indexes of words. */
const WORDS = /^(?:note|known)_words/;

/** Tables that the store of a partition alone has (`shared/shared_rows.ts`). */
const OF_PARTITIONS = /^shared_/;

const nameSchema = z.object({ name: z.string() });
const columnSchema = z.object({ name: z.string(), pk: z.number(), notnull: z.number() });
const countSchema = z.object({ count: z.number() });

/** A table of the store. */
export interface StoredTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** The columns of its key. */
  readonly keys: readonly string[];
  /** Columns that have a value in each row. */
  readonly required: readonly string[];
}

/** Removes a database with its log. */
export function removeDatabase(path: string): void {
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${path}${end}`, { force: true });
}

/**
 * Makes a store that gets its rows by work; an older file is replaced.
 *
 * @throws {StoreError} If the disk refuses.
 */
export function makeStore<T>(to: string, now: number, work: (database: DatabaseSync) => T): T {
  try {
    removeDatabase(to);
    const database = openDatabase(to, now);
    try {
      // A file that is not whole is made again, so it needs no log.
      database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
      const result = work(database);
      database.exec("PRAGMA journal_mode = WAL");
      return result;
    } finally {
      database.close();
      syncFile(to);
    }
  } catch (error) {
    throw toStoreError(error, to);
  }
}

/** Lists the tables whose rows come from other stores. */
export function tablesOf(database: DatabaseSync): readonly StoredTable[] {
  return database.prepare(
    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).all().map((row) => nameSchema.parse(row).name)
    .filter((name) => !WORDS.test(name) && !OF_PARTITIONS.test(name) && !MADE_ANEW.includes(name))
    .map((name) => {
      const columns = columnSchema.array().parse(
        database.prepare(`PRAGMA main.table_info(${name})`).all(),
      );
      return {
        name,
        columns: columns.map(({ name }) => name),
        keys: columns.filter(({ pk }) => pk > 0).map(({ name }) => name),
        required: columns.filter(({ notnull }) => notnull === 1).map(({ name }) => name),
      };
    });
}

/** Reads a number of rows: the column `count`. */
export function readCount(database: DatabaseSync, sql: string): number {
  return countSchema.parse(database.prepare(sql).get()).count;
}

/**
 * Refuses the attached store `src` if its journal has records that its tables lack: they would be lost.
 *
 * @param from Its path.
 */
export function assertApplied(database: DatabaseSync, from: string): void {
  const count = readCount(
    database,
    `SELECT count(*) AS count FROM src.journal
     WHERE number > (SELECT number FROM src.journal_done)`,
  );
  if (count === 0) return;
  throw new StoreError(
    `The tables of ${from} lack ${count} records of its journal; start the bot, stop it, and try again`,
    { kind: "unavailable", path: from },
  );
}
