/**
 * Declares a table once, by its columns: its DDL, the type of its rows, its readers, its insert, and
 * how a person is forgotten in it.
 *
 * Statements of tables that are written often are SQL by hand, since each of them is measured. The
 * section "Choices" of `docs/internals/architecture.md` says why this is no library.
 */

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { z } from "zod";
import {
  type AccountId,
  readSnowflake,
  type Snowflake,
  toAccountId,
} from "../../core/discord/ids.ts";
import type { Person, Scrubber } from "./person.ts";

/** A column: its SQL, and how its values are read and written. */
export interface Column<Value> {
  /** The type and the constraints, apart from `NOT NULL`. */
  readonly sql: readonly [type: string, constraints: string];
  /** Whether SQLite may have no value; a row then lacks the key. */
  readonly isOptional: boolean;
  /** Whether it is JSON. */
  readonly isJson?: true;
  /**
   * Reads a stored value.
   *
   * @throws {RangeError} If it is damaged.
   */
  read(stored: unknown): Value;
  write(value: Value): SQLInputValue;
}

/** A column that an insert need not name. */
export interface Given<Value> extends Column<Value> {
  /** Its value then; `undefined` if SQLite counts. */
  readonly initial: SQLInputValue | undefined;
}

/** Columns by their names in the program; SQL has them in snake case. */
export type Columns = Readonly<Record<string, Column<unknown>>>;

type ValueOf<C> = C extends Column<infer V> ? V : never;
type Flat<T> = { readonly [Key in keyof T]: T[Key] };
/** The columns that may have no value. */
type OptionalKeys<C extends Columns> = {
  [Key in keyof C]: undefined extends ValueOf<C[Key]> ? Key : never;
}[keyof C];

type RowOf<C extends Columns> = Flat<
  & { [Key in Exclude<keyof C, OptionalKeys<C>>]: ValueOf<C[Key]> }
  & { [Key in OptionalKeys<C>]?: Exclude<ValueOf<C[Key]>, undefined> }
>;

/** The columns that an insert need not name. */
type GivenKeys<C extends Columns> = {
  [Key in keyof C]: C[Key] extends Given<unknown> ? Key : never;
}[keyof C];

type NewRow<C extends Columns> = Flat<
  RowOf<Omit<C, GivenKeys<C>>> & Partial<RowOf<C>>
>;

const asStored = (value: unknown): SQLInputValue => value as SQLInputValue;
const stored = <V>(type: string, read: (stored: unknown) => V, constraints = ""): Column<V> => ({
  sql: [type, constraints],
  isOptional: false,
  read,
  write: asStored,
});

function asText(stored: unknown): string {
  if (typeof stored !== "string") throw new RangeError("Not a text");
  return stored;
}

function asNumber(stored: unknown): number {
  if (typeof stored !== "number") throw new RangeError("Not a number");
  return stored;
}

function asBytes(stored: unknown): Uint8Array {
  if (!(stored instanceof Uint8Array)) throw new RangeError("Not bytes");
  return stored;
}

function asSnowflake<Kind extends string>(stored: unknown): Snowflake<Kind> {
  const id = readSnowflake<Kind>(stored);
  if (!id) throw new RangeError("Not a Discord id");
  return id;
}

export const text = (): Column<string> => stored("TEXT", asText);
export const integer = (): Column<number> => stored("INTEGER", asNumber);
export const real = (): Column<number> => stored("REAL", asNumber);
export const bytes = (): Column<Uint8Array> => stored("BLOB", asBytes);
export const account = (): Column<AccountId> => stored("TEXT", (name) => toAccountId(asText(name)));
export const snowflake = <Kind extends string>(): Column<Snowflake<Kind>> =>
  stored("TEXT", asSnowflake<Kind>);
/** `true` or `false`; stored as 1 or 0. */
export const flag = (): Column<boolean> => ({
  ...stored("INTEGER", (value) => asNumber(value) === 1),
  write: (value) => value ? 1 : 0,
});
/** A value of ours as JSON. It is not checked, because only this program writes it. */
export const json = <V>(): Column<V> => ({
  ...stored("TEXT", (value): V => JSON.parse(asText(value))),
  isJson: true,
  write: (value) => JSON.stringify(value),
});
export const oneOf = <V extends string>(...values: readonly [V, ...V[]]): Column<V> =>
  stored("TEXT", (given) => {
    const value = values.find((one) => one === given);
    if (value === undefined) throw new RangeError("Not one of the known texts");
    return value;
  }, ` CHECK (:name IN (${values.map(sqlText).join(", ")}))`);
/** The number of a row. With `isNeverReused`, a deleted row's number does not come again. */
export const rowNumber = (isNeverReused = false): Given<number> => ({
  ...stored("INTEGER", asNumber, ` PRIMARY KEY${isNeverReused ? " AUTOINCREMENT" : ""}`),
  isOptional: true,
  initial: undefined,
});
/** A column that is the whole key of its table. */
export const key = <V>(column: Column<V>): Column<V> => ({
  ...column,
  sql: [column.sql[0], " PRIMARY KEY"],
  isOptional: true, // SQL needs no NOT NULL
});
/** A column whose values are all different. */
export const unique = <V>(column: Column<V>): Column<V> => ({
  ...column,
  sql: [column.sql[0], ` UNIQUE${column.sql[1]}`],
});
/** A column that may have no value. */
export const optional = <V>(column: Column<V>): Column<V | undefined> => ({
  ...column,
  isOptional: true,
  read: (stored) => stored === null ? undefined : column.read(stored),
  write: (value) => value === undefined ? null : column.write(value),
});
/** A column with a value from the start, which an insert may leave out. */
export const initially = <V>(column: Column<V>, value: V): Given<V> => {
  const initial = column.write(value);
  const sql = typeof initial === "string" ? sqlText(initial) : String(initial);
  return { ...column, sql: [column.sql[0], ` DEFAULT ${sql}${column.sql[1]}`], initial };
};

export interface RowReader<Row> {
  /** The columns for a `SELECT`; with the table's name in the query, if it has several. */
  columns(table?: string): string;
  /**
   * Reads a row, which may have further columns.
   *
   * @throws {ZodError} If a column is missing or damaged.
   */
  read(row: unknown): Row;
  /** As {@link RowReader.read}; `undefined` if a column is missing or damaged. */
  readIfWhole(row: unknown): Row | undefined;
}

/** Reads the results of a query by its own column names. */
export function rows<C extends Columns>(columns: C): RowReader<RowOf<C>> {
  let known: readonly (readonly [string, string, Column<unknown>])[] | undefined;
  /** A start needs few of all readers. */
  const names = () =>
    known ??= Object.entries(columns).map(([name, column]) =>
      [name, snakeCase(name), column] as const
    );
  function read(row: unknown): RowOf<C> {
    const values: Record<string, unknown> = {};
    for (const [name, as, column] of names()) {
      const value = valueIn(row, as, column);
      if (value !== undefined) values[name] = value;
    }
    return values as RowOf<C>;
  }
  return {
    columns: (table) =>
      names().map(([, column]) => table === undefined ? column : `${table}.${column}`).join(", "),
    read,
    readIfWhole(row) {
      try {
        return read(row);
      } catch (error) {
        if (error instanceof z.ZodError) return undefined;
        throw error;
      }
    },
  };
}

function valueIn(row: unknown, as: string, column: Column<unknown>): unknown {
  try {
    return column.read(Object(row)[as]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new z.ZodError([{
      code: "custom",
      path: [as],
      message: error.message,
      input: undefined,
    }]);
  }
}

/** The result of `SELECT COUNT(*) AS count`. */
export const COUNT = rows({ count: integer() });

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function sqlText(value: string): string {
  return `'${value}'`;
}

/** The condition that a column has one of the ids of a person to forget. */
export const IN = (column: string, list: "messages" | "channels" | "sessions"): string =>
  `${column} IN (SELECT value FROM json_each(:${list}))`;

/** How a person is forgotten in a table (X5), or why it has nothing about people. */
export type Forgets<Name extends string = string> = string | {
  /** SQL that runs first, for sums that stay without the person. */
  readonly first?: string;
  /**
   * Condition of the rows to delete. It may use `:userId`, and lists in JSON: `:messages`,
   * `:channels` and `:sessions`.
   */
  readonly delete?: string;
  /** Columns that are set to a value, by the condition of their rows. */
  readonly set?: readonly { readonly where: string; readonly to: string }[];
  /** Columns of text or JSON from which the person's traces are removed. The table needs an `id`. */
  readonly scrub?: readonly Name[];
  /** Rewrites the rows that stay, in place of {@link Forgets.scrub}. */
  readonly change?: RowChange;
};

/** Rewrites rows that stay. The table needs a column `id`. */
export interface RowChange {
  readonly columns: readonly string[];
  /** Rewrites a row. @returns The changed columns; `"delete"`; or `undefined` if nothing changes. */
  row(row: RewrittenRow, person: Person, scrub: Scrubber): RewrittenRow | "delete" | undefined;
}

export type RewrittenRow = Readonly<Record<string, unknown>>;

/** How long rows are kept (X6). */
export interface Keeps<Name extends string = string> {
  /** The column with the time of a row; `day` has days. */
  readonly by: Name;
  /** Number of days, or the key of `store.retention` with it. */
  readonly days: number | "contextDays" | "decisionsDays" | "transcriptsDays" | "usageDays";
  /** Condition of the rows that may go; all by default. */
  readonly mayGo?: string;
  /** Whether old rows are looked for once a day, because no index has the time. */
  readonly isSlow?: true;
}

/**
 * The data of a table for `docs/stored-data.md`, or the name of the table with which its rows go.
 * `{key}` stands for the value of the key of `store.retention`.
 */
export type Holds = string | {
  readonly under: "Texts" | "Decisions" | "People" | "Servers and operation";
  readonly data: string;
  /** How long its rows stay, or how many of them. */
  readonly kept: string;
};

interface TableParts<Name extends string> {
  /** The key, if it has several columns. */
  readonly key?: readonly Name[];
  /** Columns whose values are all different together. */
  readonly unique?: readonly Name[];
  /** Whether the rows of a table with such a key have numbers, too: better if rows are long. */
  readonly hasRowNumber?: boolean;
  /** SQL of its indexes and triggers. */
  readonly sql?: string;
  /** Whether its rows belong to one server and one bot, and go if another one takes the account. */
  readonly isOfBot?: boolean;
  /** How long its rows are kept; absent: its methods, or its maximum number, delete them. */
  readonly keeps?: Keeps<Name>;
  /** How a person is forgotten in it. */
  readonly forgets: Forgets<Name>;
  readonly holds: Holds;
}

/** A table for those that treat all tables alike. */
export interface DeclaredTable {
  readonly name: string;
  /** SQL that creates it, with its indexes and triggers. */
  readonly ddl: string;
  readonly isOfBot: boolean;
  /** Names of the columns of its key, in SQL. */
  readonly keyColumns: readonly string[];
  /** As {@link TableParts.keeps}, with the name of SQL; absent: no rule. */
  readonly keeps?: Keeps;
  /** As {@link TableParts.forgets}, with the names of SQL. */
  readonly forgets: Forgets;
  readonly holds: Holds;
  /** Names of its columns with JSON, in SQL. */
  readonly jsonColumns: readonly string[];
}

interface StoreTable<C extends Columns> extends DeclaredTable, RowReader<RowOf<C>> {
  pick<Name extends keyof C & string>(...names: readonly Name[]): RowReader<RowOf<Pick<C, Name>>>;
  /** Its rows without some columns: a new column is in them by itself. */
  without<Name extends keyof C & string>(
    ...names: readonly Name[]
  ): RowReader<RowOf<Omit<C, Name>>>;
  /**
   * Prepares the insert of a row.
   *
   * @param then SQL after the values: `ON CONFLICT …`, `RETURNING …`.
   * @returns Inserts a row, and returns the row of `RETURNING`.
   */
  prepareInsert(database: DatabaseSync, then?: string): (row: NewRow<C>) => unknown;
}

export function table<C extends Columns>(
  name: string,
  columns: C,
  {
    key,
    unique,
    hasRowNumber = !key &&
      Object.values(columns).every(({ sql }) => sql.join("") !== "TEXT PRIMARY KEY"),
    sql = "",
    isOfBot = false,
    keeps,
    forgets,
    holds,
  }: TableParts<keyof C & string>,
): StoreTable<C> {
  const all = Object.entries(columns).map(([key, column]) => ({ key, as: snakeCase(key), column }));
  const list = (names: readonly string[]) => `(${names.map(snakeCase).join(", ")})`;
  const lines = all.map(({ as, column: { sql: [type, constraints], isOptional } }) =>
    `${as} ${type}${isOptional ? "" : " NOT NULL"}${constraints.replace(":name", as)}`
  );
  if (key) lines.push(`PRIMARY KEY ${list(key)}`);
  if (unique) lines.push(`UNIQUE ${list(unique)}`);
  const inserted = all.filter(({ column }) =>
    !("initial" in column) || column.initial !== undefined
  );
  return {
    ...rows(columns),
    name,
    ddl: `CREATE TABLE ${name} (${lines.join(", ")}) STRICT${
      hasRowNumber ? "" : ", WITHOUT ROWID"
    };\n${sql}\n`,
    isOfBot,
    holds,
    keyColumns: (key ?? ["id"]).map(snakeCase),
    ...(keeps && { keeps: { ...keeps, by: snakeCase(keeps.by) } }),
    forgets: typeof forgets === "string"
      ? forgets
      : { ...forgets, ...(forgets.scrub && { scrub: forgets.scrub.map(snakeCase) }) },
    jsonColumns: all.filter(({ column }) => column.isJson).map(({ as }) => as),
    pick: (...names) => rows(pickColumns(columns, names)),
    without: (...names) => rows(columnsWithout(columns, names)),
    prepareInsert(database, then = "") {
      const statement = database.prepare(
        `INSERT INTO ${name} ${list(inserted.map(({ key }) => key))}
         VALUES (${inserted.map(({ key }) => `:${key}`).join(", ")}) ${then}`,
      );
      const hasResult = /\bRETURNING\b/.test(then);
      return (row: Readonly<Record<string, unknown>>) => {
        const values = Object.fromEntries(inserted.map(({ key, column }) => {
          const value = row[key];
          const initial = "initial" in column ? asStored(column.initial) : null;
          return [key, value === undefined ? initial : column.write(value)];
        }));
        return hasResult ? statement.get(values) : statement.run(values);
      };
    },
  };
}

function pickColumns<C extends Columns, Name extends keyof C & string>(
  columns: C,
  names: readonly Name[],
): Pick<C, Name> {
  return Object.fromEntries(names.map((name) => [name, columns[name]])) as Pick<C, Name>;
}

function columnsWithout<C extends Columns, Name extends keyof C & string>(
  columns: C,
  names: readonly Name[],
): Omit<C, Name> {
  const left: Partial<C> = { ...columns };
  for (const name of names) delete left[name];
  return left as Omit<C, Name>;
}
