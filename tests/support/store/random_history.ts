/** Random histories of a database: commits, undone transactions, checkpoints and vacuums. */

import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";

const rows = (max: number) => fc.integer({ min: 1, max });
const of = (...kinds: readonly string[]) => fc.constantFrom(...kinds);

export const randomStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: of("insert"), rows: rows(60) }) },
  { weight: 2, arbitrary: fc.record({ kind: of("undone"), rows: rows(400) }) },
  { weight: 2, arbitrary: fc.record({ kind: of("delete"), rows: rows(500) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: of("passive", "restart", "truncate", "vacuum"), rows: rows(1) }),
  },
);

/** Opens a database whose pages spill into the log early, and whose log begins anew often. */
export function openRandom(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 20;
    CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)`);
  return database;
}

/** Carries out a step. */
export function playStep(
  database: DatabaseSync,
  { kind, rows }: { readonly kind: string; readonly rows: number },
): void {
  switch (kind) {
    case "insert":
    case "undone": {
      database.exec("BEGIN");
      const add = database.prepare("INSERT INTO note (text) VALUES (?)");
      for (let row = 0; row < rows; row++) add.run(`${row} `.repeat(200));
      return database.exec(kind === "insert" ? "COMMIT" : "ROLLBACK");
    }
    case "delete":
      return void database.prepare("DELETE FROM note WHERE id % 7 < ?").run(rows % 7);
    case "vacuum":
      return database.exec("VACUUM");
    default:
      return database.exec(`PRAGMA wal_checkpoint(${kind.toUpperCase()})`);
  }
}
