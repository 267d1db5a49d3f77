/**
 * Divides the store of a whole bot into the stores of its partitions (O16).
 *
 * Each new file has the rows of its guilds, as `placing.ts` says, and is compared with the old file row
 * by row. The old file is only read. Memory does not grow with the store.
 */

import type { DatabaseSync } from "node:sqlite";
import { rmSync } from "node:fs";
import { z } from "zod";
import { openDatabase } from "../database/database.ts";
import { syncFile } from "../database/database_files.ts";
import { StoreError, toStoreError } from "../database/store_error.ts";
import { ALL, MADE_ANEW, placesOf, placesSql, verdictsFor } from "./placing.ts";

/** Shadow tables of indexes of words. */
const WORDS = /^(?:note|known)_words/;

const nameSchema = z.object({ name: z.string() });
const columnSchema = z.object({ name: z.string(), pk: z.number() });
const countSchema = z.object({ count: z.number() });

/** A table of the store, with the condition of rows `r` that a partition gets. */
interface PartOfTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly keys: readonly string[];
  /** The column as the new file has it, by an expression over `r`. */
  readonly valueOf: (column: string) => string;
  readonly where: string;
  readonly place: string;
}

/**
 * Makes the store of one partition.
 *
 * @param from Path of the store of the whole bot. It is closed, and its tables have all records of its
 * journal.
 * @param to Path of the new file; an older one is replaced.
 * @param now Unix time in milliseconds.
 * @returns Number of rows of the new file.
 * @throws {StoreError} If the disk refuses, or a row differs.
 */
export function dividePart(
  from: string,
  to: string,
  { index, count }: { readonly index: number; readonly count: number },
  now: number,
): number {
  try {
    for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${to}${end}`, { force: true });
    const database = openDatabase(to, now);
    try {
      // A file that is not whole is made again, so it needs no log.
      database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
      database.prepare("ATTACH DATABASE ? AS src").run(from);
      database.exec(placesSql(count));
      const parts = partsOf(database, index, count);
      assertApplied(database, from);
      database.exec("BEGIN");
      for (const part of parts) copyRows(database, part);
      database.exec(`
        DELETE FROM main.sqlite_sequence;
        INSERT INTO main.sqlite_sequence SELECT name, seq FROM src.sqlite_sequence;
        COMMIT`);
      const rows = parts.reduce((sum, part) => sum + compareRows(database, part, to, count), 0);
      database.exec("DETACH DATABASE src; PRAGMA journal_mode = WAL");
      return rows;
    } finally {
      database.close();
      syncFile(to);
    }
  } catch (error) {
    throw toStoreError(error, to);
  }
}

/** The tables to copy. @throws {TypeError} If one has no place: this code is incomplete. */
function partsOf(database: DatabaseSync, index: number, count: number): readonly PartOfTable[] {
  const places = placesOf(count);
  return database.prepare(
    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).all().map((row) => nameSchema.parse(row).name)
    .filter((name) => !WORDS.test(name) && !MADE_ANEW.includes(name))
    .map((name) => {
      const place = places[name];
      if (place === undefined) throw new TypeError(`The table ${name} has no place`);
      const columns = columnSchema.array().parse(
        database.prepare(`PRAGMA main.table_info(${name})`).all(),
      );
      const valueOf = (column: string) =>
        name === "verdict_block" && column === "verdicts" ? verdictsFor(index) : `r.${column}`;
      const isInBlock = name === "verdict_block"
        ? `EXISTS (SELECT 1 FROM json_each(${verdictsFor(index)}) AS own WHERE own.type = 'array')`
        : "true";
      return {
        name,
        columns: columns.map(({ name }) => name),
        keys: columns.filter(({ pk }) => pk > 0).map(({ name }) => name),
        valueOf,
        where: `(${place}) IN (${ALL}, ${index}) AND ${isInBlock}`,
        place: `${place}`,
      };
    });
}

/** Refuses a store whose journal has records that its tables lack: they would be lost. */
function assertApplied(database: DatabaseSync, from: string): void {
  const { count } = countSchema.parse(
    database.prepare(
      `SELECT count(*) AS count FROM src.journal
       WHERE number > (SELECT number FROM src.journal_done)`,
    ).get(),
  );
  if (count === 0) return;
  throw new StoreError(
    `The tables of ${from} lack ${count} records of its journal; start the bot, stop it, and try again`,
    { kind: "unavailable", path: from },
  );
}

function copyRows(database: DatabaseSync, { name, columns, valueOf, where }: PartOfTable): void {
  database.exec(
    `INSERT INTO main.${name} (${columns.join(", ")})
     SELECT ${columns.map(valueOf).join(", ")} FROM src.${name} AS r WHERE ${where}`,
  );
}

/** Compares the rows of a table by their keys. @returns Their number. */
function compareRows(
  database: DatabaseSync,
  { name, columns, keys, valueOf, where, place }: PartOfTable,
  to: string,
  count: number,
): number {
  const read = (sql: string): number => countSchema.parse(database.prepare(sql).get()).count;
  const isSame = keys.map((key) => `m.${key} = r.${key}`).join(" AND ");
  const differs = columns.map((column) => `m.${column} IS NOT ${valueOf(column)}`).join(" OR ");
  const different = read(
    `SELECT count(*) AS count FROM src.${name} AS r LEFT JOIN main.${name} AS m ON ${isSame}
     WHERE ${where} AND (m.${keys[0] ?? "rowid"} IS NULL OR ${differs})`,
  );
  const rows = read(`SELECT count(*) AS count FROM main.${name}`);
  const wanted = read(`SELECT count(*) AS count FROM src.${name} AS r WHERE ${where}`);
  const unplaced = read(
    `SELECT count(*) AS count FROM src.${name} AS r
     WHERE (${place}) IS NULL OR (${place}) NOT BETWEEN ${ALL} AND ${count - 1}`,
  );
  if (different === 0 && rows === wanted && unplaced === 0) return rows;
  throw new StoreError(
    `${to} differs from the old store in its table ${name}: ${different} rows differ, ` +
      `${wanted - rows} are missing, ${unplaced} have no partition. Nothing was changed there; ` +
      "please report this",
    { kind: "damaged", path: to },
  );
}
