import { DatabaseSync } from "node:sqlite";
import { migrate, MIGRATIONS } from "../../../src/store/database/migrations.ts";

/** The real schema, in memory. */
export function openDatabase(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  migrate(database, MIGRATIONS, () => {});
  return database;
}
