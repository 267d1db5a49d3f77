/** Inserts rows by SQL, for tests of whole files. */

import type { DatabaseSync } from "node:sqlite";

/** Values of some columns of a row. */
type RowValues = Readonly<Record<string, string | number | null>>;

/** Inserts a row; other columns get a value of their type. */
export function insertRow(database: DatabaseSync, table: string, values: RowValues): void {
  const columns = database.prepare(`PRAGMA table_info(${table})`).all();
  const row = columns.map(({ name, type, pk, notnull }) => {
    const value = values[String(name)];
    if (value !== undefined) return value;
    if (notnull === 0 || pk === 1 && name === "id") return null;
    return type === "TEXT" ? "x" : type === "BLOB" ? new Uint8Array() : 0;
  });
  database.prepare(`INSERT INTO ${table} VALUES (${row.map(() => "?").join()})`).run(...row);
}
