/**
 * Joins the stores of all partitions into the store of a whole bot (O16), as `joining.ts` says.
 *
 * The old files are only read, one after the other: SQLite attaches ten at most. Each row of the new file
 * is compared with its old one. New numbers of rows are in a file beside it, so memory does not grow with
 * the stores.
 */

import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../database/store_error.ts";
import { joiningsOf, type MergedRows, noteFactless, type TableRule, valuesOf } from "./joining.ts";
import {
  assertApplied,
  makeStore,
  readCount,
  removeDatabase,
  type StoredTable,
  tablesOf,
} from "./tables.ts";

/** A table with its rule, for the rows of one partition. */
interface TableOfPart {
  readonly table: StoredTable;
  readonly rule: TableRule;
  readonly part: number;
}

/**
 * Joins stores.
 *
 * @param from Paths of the stores of all partitions, in their order. They are closed.
 * @param to Path of the new file; an older one is replaced.
 * @param now Unix time in milliseconds.
 * @returns Number of rows of the new file.
 * @throws {StoreError} If the disk refuses, a journal has work that is not done, or a row differs.
 */
export function joinParts(from: readonly string[], to: string, now: number): number {
  const beside = `${to}.numbers`;
  try {
    removeDatabase(beside);
    return makeStore(to, now, (database) => {
      database.prepare("ATTACH DATABASE ? AS numbers").run(beside);
      database.exec("PRAGMA numbers.journal_mode = OFF; PRAGMA numbers.synchronous = OFF");
      const tables = tablesOf(database);
      const eachPart = (work: (part: readonly TableOfPart[], index: number) => void) => {
        for (const [index, path] of from.entries()) {
          database.prepare("ATTACH DATABASE ? AS src").run(path);
          assertApplied(database, path);
          database.exec("BEGIN");
          work(ofPart(tables, index), index);
          database.exec("COMMIT; DETACH DATABASE src");
        }
      };
      const first = ofPart(tables, 0);
      numberRows(database, first, eachPart);
      eachPart((part) => {
        for (const one of mergedFirst(part)) copyRows(database, one, to);
        for (const one of part) keepSequence(database, one);
      });
      const given = new Map<string, number>();
      eachPart((part) => {
        for (const one of part) {
          const { name } = one.table;
          given.set(name, (given.get(name) ?? 0) + compareRows(database, one, to));
        }
      });
      for (const one of first) orderRows(database, one);
      const rows = first.reduce(
        (sum, one) => sum + countRows(database, one, given.get(one.table.name) ?? 0, to),
        0,
      );
      database.exec("DETACH DATABASE numbers");
      return rows;
    });
  } finally {
    removeDatabase(beside);
  }
}

/** @throws {TypeError} If a table has no rule: this code is incomplete. */
function ofPart(tables: readonly StoredTable[], part: number): readonly TableOfPart[] {
  const joinings = joiningsOf(part);
  return tables.map((table) => {
    const rule = joinings[table.name];
    if (!rule) throw new TypeError(`The table ${table.name} has no rule for joining`);
    return { table, rule, part };
  });
}

/** Rows of one key come first: others name their numbers. */
function mergedFirst(part: readonly TableOfPart[]): readonly TableOfPart[] {
  const isFirst = ({ rule }: TableOfPart) =>
    rule.kind === "merged" && rule.where === undefined && rule.references === undefined;
  return [...part.filter(isFirst), ...part.filter((one) => !isFirst(one))];
}

type EachPart = (work: (part: readonly TableOfPart[], index: number) => void) => void;

/** Gives the rows of all partitions their new numbers, in the order of time. */
function numberRows(
  database: DatabaseSync,
  tables: readonly TableOfPart[],
  eachPart: EachPart,
): void {
  database.exec(`CREATE TABLE numbers.factless (
    account_id TEXT NOT NULL, message_id TEXT NOT NULL, part INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
  ) WITHOUT ROWID`);
  for (const { table: { name }, rule } of tables) {
    if (numberedBy(rule)) {
      database.exec(`CREATE TABLE numbers.${name}_order (part, old, at, size)`);
    }
    database.exec(`CREATE TABLE numbers.${name} (
      part INTEGER NOT NULL, old INTEGER NOT NULL, new INTEGER NOT NULL, PRIMARY KEY (part, old)
    ) WITHOUT ROWID`);
  }
  eachPart((part, index) => {
    database.exec(noteFactless(index));
    for (const { table: { name }, rule } of part) {
      const numbered = numberedBy(rule);
      if (!numbered) continue;
      // A clock may have gone back: the rows of a partition stay in their order.
      database.exec(`
        INSERT INTO numbers.${name}_order (part, old, at, size)
        SELECT ${index}, r.id, max(${numbered.by}) OVER (ORDER BY r.id), ${numbered.size ?? "1"}
        FROM src.${name} AS r`);
    }
  });
  for (const { table: { name }, rule } of tables) {
    if (!numberedBy(rule)) continue;
    database.exec(`
      INSERT INTO numbers.${name} (part, old, new)
      SELECT part, old, sum(size) OVER (
        ORDER BY at, old, part ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) - size + 1 FROM numbers.${name}_order WHERE size > 0;
      DROP TABLE numbers.${name}_order`);
  }
}

const numberedBy = (rule: TableRule) => rule.kind === "own" ? rule.numbered : undefined;

/** The SQL of the rows of a partition that count, and of their columns. */
function sourceOf({ table: { name, required }, rule, part }: TableOfPart) {
  const isNumbered = numberedBy(rule) !== undefined;
  const value = valuesOf(rule, part);
  const valueOf = (column: string) => isNumbered && column === "id" ? "n.new" : value(column);
  const conditions = Object.keys(rule.references ?? {})
    .filter((column) => required.includes(column)).map((column) => `${value(column)} IS NOT NULL`);
  if (rule.kind !== "first" && rule.where !== undefined) conditions.push(rule.where);
  const numbers = isNumbered
    ? `JOIN numbers.${name} AS n ON n.part = ${part} AND n.old = r.id`
    : "";
  return {
    valueOf,
    from: `src.${name} AS r ${numbers}`,
    where: conditions.length === 0 ? "true" : conditions.join(" AND "),
  };
}

function copyRows(database: DatabaseSync, one: TableOfPart, to: string): void {
  const { table: { name }, rule } = one;
  try {
    if (rule.kind === "merged") mergeRows(database, one, rule);
    else if (rule.kind === "own" || one.part === 0) {
      insertRows(database, one, one.table.columns, "");
    } else if (rule.inAll) {
      const isSame = rule.inAll.map((column) => `r.${column} IS m.${column}`).join(" AND ");
      database.exec(`DELETE FROM main.${name} AS m
        WHERE NOT EXISTS (SELECT 1 FROM src.${name} AS r WHERE ${isSame})`);
    }
  } catch (error) {
    if (!(error instanceof Error) || !/constraint failed/.test(error.message)) throw error;
    throw new StoreError(
      `Partition ${one.part} has a row of the table ${name} that an earlier partition has, too ` +
        `(${error.message}). Nothing was changed there; please report this`,
      { kind: "damaged", path: to, cause: error },
    );
  }
}

function insertRows(
  database: DatabaseSync,
  one: TableOfPart,
  columns: readonly string[],
  then: string,
  unless = "",
): void {
  const { valueOf, from, where } = sourceOf(one);
  const { name, keys } = one.table;
  const order = keys.length === 1 && keys[0] === "id" ? "ORDER BY r.id" : "";
  database.exec(`INSERT INTO main.${name} AS m (${columns.join(", ")})
    SELECT ${
    columns.map(valueOf).join(", ")
  } FROM ${from} WHERE ${where} ${unless} ${order} ${then}`);
}

function mergeRows(database: DatabaseSync, one: TableOfPart, rule: MergedRows): void {
  const { table: { name, columns }, part } = one;
  const { key, newest, hasIndex, set } = rule;
  const { valueOf } = sourceOf(one);
  const isRenumbered = columns.includes("id") && !key.includes("id");
  const given = columns.filter((column) => column !== "id" || !isRenumbered);
  const isSame = key.map((column) => `o.${column} = ${valueOf(column)}`).join(" AND ");
  const rest = given.filter((column) => !key.includes(column));
  const changes = newest ? rest.map((column) => [column, `excluded.${column}`]) : Object.entries(
    set ?? {},
  );
  if (hasIndex === false) {
    const unless = `AND NOT EXISTS (SELECT 1 FROM main.${name} AS o WHERE ${isSame})`;
    insertRows(database, one, given, "", unless);
  } else if (changes.length === 0) insertRows(database, one, given, "ON CONFLICT DO NOTHING");
  else {
    const sets = changes.map(([column, value]) => `${column} = ${value}`).join(", ");
    const when = newest ? `WHERE ${newest("excluded")} > ${newest("m")}` : "";
    insertRows(
      database,
      one,
      given,
      `ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${sets} ${when}`,
    );
  }
  if (!isRenumbered) return;
  database.exec(`INSERT INTO numbers.${name} (part, old, new)
    SELECT ${part}, r.id, o.id FROM src.${name} AS r JOIN main.${name} AS o ON ${isSame}`);
}

/** Numbers that stay never come again: the highest one of all partitions counts. */
function keepSequence(database: DatabaseSync, { table: { name }, rule }: TableOfPart): void {
  if (numberedBy(rule)) return;
  const highest = `SELECT max(seq) FROM src.sqlite_sequence WHERE name = '${name}'`;
  database.exec(`
    INSERT INTO main.sqlite_sequence (name, seq) SELECT name, 0 FROM src.sqlite_sequence
      WHERE name = '${name}' AND name NOT IN (SELECT name FROM main.sqlite_sequence);
    UPDATE main.sqlite_sequence SET seq = max(seq, ifnull((${highest}), 0)) WHERE name = '${name}'`);
}

/**
 * Compares the rows of a partition with those of the new file.
 *
 * @returns Number of rows that the partition alone has given to the table.
 */
function compareRows(database: DatabaseSync, one: TableOfPart, to: string): number {
  const { table: { name, columns, keys }, rule, part } = one;
  const { valueOf, from, where } = sourceOf(one);
  const count = (sql: string) => readCount(database, `SELECT count(*) AS count FROM ${sql}`);
  const refuse = (rows: number) => {
    if (rows > 0) throw differs(to, name, `${rows} rows of partition ${part} differ`);
  };
  if (rule.kind === "merged") {
    const isSame = rule.key.map((column) => `m.${column} = ${valueOf(column)}`);
    if (rule.newest) isSame.push(`${rule.newest("m")} >= ${rule.newest("r")}`);
    refuse(count(`${from} WHERE ${where}
      AND NOT EXISTS (SELECT 1 FROM main.${name} AS m WHERE ${isSame.join(" AND ")})`));
    return 0;
  }
  const { inAll } = rule.kind === "first" ? rule : {};
  if (inAll) {
    const isSame = inAll.map((column) => `r.${column} IS m.${column}`).join(" AND ");
    refuse(count(`main.${name} AS m
      WHERE NOT EXISTS (SELECT 1 FROM src.${name} AS r WHERE ${isSame})`));
  }
  if (rule.kind === "first" && part > 0) return 0;
  const isSame = keys.map((key) => `m.${key} = ${valueOf(key)}`).join(" AND ");
  const isOther = columns.map((column) => `m.${column} IS NOT ${valueOf(column)}`).join(" OR ");
  const isGone = inAll ? "false" : `m.${keys[0] ?? "rowid"} IS NULL`;
  const isThere = `m.${keys[0] ?? "rowid"} IS NOT NULL`;
  refuse(count(`${from} LEFT JOIN main.${name} AS m ON ${isSame}
    WHERE ${where} AND (${isGone} OR ${isThere} AND (${isOther}))`));
  return inAll ? 0 : count(`${from} WHERE ${where}`);
}

/** @param given Number of rows that partitions alone have given; 0 if they share rows. */
function countRows(database: DatabaseSync, one: TableOfPart, given: number, to: string): number {
  const { table: { name }, rule } = one;
  const rows = readCount(database, `SELECT count(*) AS count FROM main.${name}`);
  const isShared = rule.kind === "merged" || rule.kind === "first" && rule.inAll !== undefined;
  if (isShared || rows === given) return rows;
  throw differs(to, name, `it has ${rows} rows, and the partitions ${given}`);
}

function differs(to: string, name: string, how: string): StoreError {
  return new StoreError(
    `${to} differs from the partitions in its table ${name}: ${how}. Nothing was changed there; ` +
      "please report this",
    { kind: "damaged", path: to },
  );
}

/** Gives rows that came from several partitions numbers in their order. */
function orderRows(database: DatabaseSync, { table: { name, columns }, rule }: TableOfPart): void {
  if (rule.kind !== "merged" || rule.order === undefined) return;
  const given = columns.filter((column) => column !== "id").join(", ");
  database.exec(`
    BEGIN;
    CREATE TEMP TABLE in_order AS SELECT ${given} FROM main.${name} ORDER BY ${rule.order}, id;
    DELETE FROM main.${name};
    INSERT INTO main.${name} (${given}) SELECT ${given} FROM temp.in_order ORDER BY rowid;
    DROP TABLE temp.in_order;
    COMMIT`);
}
