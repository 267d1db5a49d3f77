/**
 * Declares a table once: its DDL, the type of its rows, its readers, its insert, and how a person is
 * forgotten in it.
 *
 * The tables that are written seldom are declared like this. The hot tables stay SQL by hand, since
 * each of their statements is measured. Statements are SQL in both cases.
 *
 * Drizzle and Kysely were the alternatives. They take some 25 and 55 ms to load, and this module less
 * than one. Neither creates tables from its declaration at run time. Drizzle has no driver for
 * `node:sqlite`, and Kysely's statements are asynchronous, but work in the store's transactions is
 * not. For PostgreSQL, the SQL of statements changes in any case; of this module, only the DDL does.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import {
  asStored,
  type Columns,
  type NewRow,
  type RowOf,
  type RowReader,
  rows,
  snakeCase,
} from "./columns.ts";

/** Takes the place of ids in columns that need one: no message and no person has it. */
export const BLANK_ID = "1";

/** The condition that a column has one of the ids of a person to forget. */
export const IN = (column: string, list: "messages" | "channels" | "sessions"): string =>
  `${column} IN (SELECT value FROM json_each(:${list}))`;

/** How a person is forgotten in a table (X5), or why it has nothing about people. */
export type Forgets<Name extends string = string> = string | {
  /**
   * Condition of the rows to delete. It may use `:userId`, and lists in JSON: `:messages`,
   * `:channels` and `:sessions`.
   */
  readonly delete?: string;
  /** Columns that are set to a value, by the condition of their rows. */
  readonly set?: readonly { readonly where: string; readonly to: string }[];
  /** Columns of text or JSON from which the person's traces are removed. */
  readonly scrub?: readonly Name[];
};

/** The parts of a table beside its columns. */
export interface TableParts<Name extends string> {
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
  /** How a person is forgotten in it. */
  readonly forgets: Forgets<Name>;
}

/** A table for those that treat all tables alike. */
export interface DeclaredTable {
  /** Its name in SQL. */
  readonly name: string;
  /** SQL that creates it, with its indexes and triggers. */
  readonly ddl: string;
  /** As {@link TableParts.isOfBot}. */
  readonly isOfBot: boolean;
  /** As {@link TableParts.forgets}, with the names of SQL. */
  readonly forgets: Forgets;
  /** Names of its columns with JSON, in SQL. */
  readonly jsonColumns: readonly string[];
}

/** A table with its columns. */
export interface StoreTable<C extends Columns> extends DeclaredTable, RowReader<RowOf<C>> {
  /** Reads some of its columns. */
  pick<Name extends keyof C & string>(...names: readonly Name[]): RowReader<RowOf<Pick<C, Name>>>;
  /**
   * Prepares the insert of a row.
   *
   * @param then SQL after the values: `ON CONFLICT …`, `RETURNING …`.
   * @returns Inserts a row, and returns the row of `RETURNING`.
   */
  prepareInsert(database: DatabaseSync, then?: string): (row: NewRow<C>) => unknown;
}

/** Declares a table. */
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
    forgets,
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
    forgets: typeof forgets === "string"
      ? forgets
      : { ...forgets, ...(forgets.scrub && { scrub: forgets.scrub.map(snakeCase) }) },
    jsonColumns: all.filter(({ column }) => column.isJson).map(({ as }) => as),
    pick: (...names) => rows(pickColumns(columns, names)),
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
