import type { DatabaseSync } from "node:sqlite";
import { LazyDatabase } from "../../../src/store/database/database.ts";
import { migrate, MIGRATIONS } from "../../../src/store/database/migrations.ts";

/** The real schema, in memory. */
export function openDatabase(): DatabaseSync {
  const database = new LazyDatabase(":memory:");
  migrate(database, MIGRATIONS, () => {});
  return database;
}
