/**
 * Facts about this build: version, commit, runtime, SQLite; and `barnacle version`, which prints them.
 */

import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import type { Build } from "../../http/monitor/health_monitor.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import { COMMIT, VERSION } from "../../version.ts";
import type { Io } from "../terminal/io.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";

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

/** Prints one line. */
export function version({ json }: { readonly json: boolean }, { out }: Io): ExitCode {
  const facts = {
    ...readBuild(),
    platform: `${process.platform}-${process.arch}`,
    schema: MIGRATIONS.length,
  };
  const { version, commit, runtime, sqlite, platform } = facts;
  const name = commit === "" ? version : `${version} (${commit})`;
  out(json ? JSON.stringify(facts) : `barnacle ${name}, ${runtime}, SQLite ${sqlite}, ${platform}`);
  return EXIT.done;
}
