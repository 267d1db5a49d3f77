/**
 * Puts the copy of the store from before a migration back in its place (O13).
 *
 * The caller holds the lock of the data directory, and nothing that the store has since then is
 * worth keeping.
 */

import { readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inspect } from "../database/database.ts";
import { syncDirectory } from "../database/database_files.ts";

/**
 * Puts the newest copy back, in one step.
 *
 * @param schema Number of its schema.
 * @param since Unix time in milliseconds; older copies are of other migrations.
 * @returns Whether there is such a copy.
 * @throws {StoreError} If the copy is damaged; then the store stays as it is.
 */
export function putBackCopy(path: string, schema: number, since: number): boolean {
  const folder = dirname(path);
  const start = `${basename(path)}.schema${schema}-`;
  const from = stampOf(since);
  const copies = readdirSync(folder)
    .filter((name) => name.startsWith(start) && name.endsWith(".bak"))
    .filter((name) => name.slice(start.length) >= from).sort();
  const newest = copies.at(-1);
  if (newest === undefined) return false;
  const copy = join(folder, newest);
  if (inspect(copy, schema) !== schema) return false;
  dropLog(path);
  renameSync(copy, path);
  syncDirectory(folder);
  return true;
}

/** The time in the name of a copy, as `openDatabase` writes it. */
function stampOf(time: number): string {
  return new Date(time).toISOString().replace(/[-:.]/g, "");
}

/** Removes the log beside the store: SQLite would take it for the copy's. */
function dropLog(path: string): void {
  try {
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA journal_mode = DELETE");
    } finally {
      database.close();
    }
  } catch {
    // The store is damaged, and will be replaced.
  }
  for (const end of ["-wal", "-shm", "-journal"]) rmSync(`${path}${end}`, { force: true });
}
