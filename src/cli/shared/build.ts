/**
 * Facts about this build: version, commit, runtime, SQLite.
 *
 * @module
 */

import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import type { Build } from "../../http/metrics.ts";
import { COMMIT, VERSION } from "../../version.ts";

/** Reads the facts about this build; opens an empty database for SQLite's version. */
export function readBuild(): Build {
  return { version: VERSION, commit: COMMIT, runtime: runtime(), sqlite: sqliteVersion() };
}

function runtime(): string {
  const { bun, deno, node = "?" } = process.versions;
  return bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
}

function sqliteVersion(): string {
  const database = new DatabaseSync(":memory:");
  try {
    return String(database.prepare("SELECT sqlite_version() AS version").get()?.["version"]);
  } finally {
    database.close();
  }
}
