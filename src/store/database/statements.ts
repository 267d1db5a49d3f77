/**
 * Prepares statements from their texts. With the reading of its rows, a query is declared in one
 * place.
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** Values of a statement: by place, or by name. */
export type Values = readonly SQLInputValue[] | readonly [Readonly<Record<string, SQLInputValue>>];

export interface RowQuery<Row> {
  all(...values: Values): Row[];
  /** The first row; `undefined` if there is none. */
  get(...values: Values): Row | undefined;
  /** The first row of a query that always has one. */
  one(...values: Values): Row;
}

/** Takes a template: its texts, and constants of ours between them. Values are parameters. */
export type FromText<Made> = (
  texts: TemplateStringsArray,
  ...constants: readonly (string | number)[]
) => Made;

/** Prepares statements: `` sql`DELETE FROM note WHERE id = ?` ``. */
export interface Statements extends FromText<StatementSync> {
  /** Prepares a query whose rows are read: `` sql.rows(NOTE.read)`SELECT * FROM note` ``. */
  rows<Row>(read: (row: unknown) => Row): FromText<RowQuery<Row>>;
}

export function statementsOf(database: DatabaseSync): Statements {
  const prepare: FromText<StatementSync> = (texts, ...constants) => {
    const [text = ""] = texts;
    return database.prepare(
      constants.length === 0 ? text : String.raw({ raw: texts }, ...constants),
    );
  };
  return Object.assign(prepare, {
    rows: <Row>(read: (row: unknown) => Row): FromText<RowQuery<Row>> => (texts, ...constants) =>
      queryOf(prepare(texts, ...constants), read),
  });
}

function queryOf<Row>(statement: StatementSync, read: (row: unknown) => Row): RowQuery<Row> {
  const first = (values: Values): unknown => Reflect.apply(statement.get, statement, values);
  return {
    all(...values) {
      const found: readonly unknown[] = Reflect.apply(statement.all, statement, values);
      return found.map((row) => read(row));
    },
    get(...values) {
      const row = first(values);
      return row === undefined ? undefined : read(row);
    },
    one: (...values) => read(first(values)),
  };
}
