/**
 * Facts about this build: version, commit, runtime, SQLite; `barnacle --version` prints them.
 */

import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import type { Build } from "../../http/monitor/health_monitor.ts";
import { BUILD_NAME, COMMIT, VERSION } from "../../version.ts";

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

/** The facts for people: `"barnacle 1.0.0 (bcde0eba4f21), Bun 1.4.4, SQLite 3.50.4, linux-x64"`. */
export function buildLine(): string {
  const platform = `${process.platform}-${process.arch}`;
  return `barnacle ${BUILD_NAME}, ${runtime()}, SQLite ${sqliteVersion()}, ${platform}`;
}
