/**
 * Divides the store of a whole bot into the stores of its partitions (O16).
 *
 * Each new file has the rows of its guilds, as `placing.ts` says, and is compared with the old file row
 * by row. The old file is only read. Memory does not grow with the store.
 */

import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../database/store_error.ts";
import { ALL, placesOf, placesSql, verdictsFor } from "./placing.ts";
import { assertApplied, makeStore, readCount, tablesOf } from "./tables.ts";

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
  return makeStore(to, now, (database) => {
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
    database.exec("DETACH DATABASE src");
    return rows;
  });
}

/** The tables to copy. @throws {TypeError} If one has no place: this code is incomplete. */
function partsOf(database: DatabaseSync, index: number, count: number): readonly PartOfTable[] {
  const places = placesOf(count);
  return tablesOf(database).map(({ name, columns, keys }) => {
    const place = places[name];
    if (place === undefined) throw new TypeError(`The table ${name} has no place`);
    const valueOf = (column: string) =>
      name === "verdict_block" && column === "verdicts" ? verdictsFor(index) : `r.${column}`;
    const isInBlock = name === "verdict_block"
      ? `EXISTS (SELECT 1 FROM json_each(${verdictsFor(index)}) AS own WHERE own.type = 'array')`
      : "true";
    return {
      name,
      columns,
      keys,
      valueOf,
      where: `(${place}) IN (${ALL}, ${index}) AND ${isInBlock}`,
      place: `${place}`,
    };
  });
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
  const read = (sql: string): number => readCount(database, sql);
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
