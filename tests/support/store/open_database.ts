/** Opens the stores of tests. */

import { existsSync, writeFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase as openFile } from "../../../src/store/database/database.ts";
import { migrate, MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { createStore, openStore, type Store, type StoreOptions } from "../../../src/store/store.ts";
import { LazyDatabase } from "../../../src/store/database/commits.ts";

export { createStore, openStore };

let empty: Uint8Array | undefined;

/** The bytes of an empty database: its tables take longer to create than most tests. */
function emptyBytes(): Uint8Array {
  if (empty) return empty;
  const database = new LazyDatabase(":memory:");
  migrate(database, MIGRATIONS, () => {});
  empty = database.serialize();
  database.close();
  return empty;
}

/** The real schema, in memory or in a file. */
export function openDatabase(path = ":memory:"): DatabaseSync {
  if (path !== ":memory:") return openFile(withTables(path), 0);
  const database = new LazyDatabase(":memory:");
  database.deserialize(emptyBytes());
  return database;
}

/** Opens a store in a file. If there is none, it begins with the tables, as after a first start. */
export function openFilled(path: string, options: StoreOptions & { readonly now: number }): Store {
  return openStore(withTables(path), options);
}

function withTables(path: string): string {
  if (!existsSync(path)) writeFileSync(path, emptyBytes(), { mode: 0o600 });
  return path;
}
