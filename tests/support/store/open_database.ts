/**
 * Opens the stores of tests. `tests/postgres/` runs the tests of the store a second time, and each
 * store then has an owner that sends its pages to PostgreSQL.
 */

import { existsSync, writeFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Store } from "../../../src/store/store.ts";
import { LazyDatabase } from "../../../src/store/database/database.ts";
import { migrate, MIGRATIONS } from "../../../src/store/database/migrations.ts";
import {
  createStore as createPlainStore,
  openStore as openPlainStore,
  type StoreOptions,
} from "../../../src/store/store.ts";
import { TABLES } from "../../../src/store/schema/tables.ts";
import type { SharedStores } from "./shared_stores.ts";

let shared: SharedStores | undefined;

/** From now on, the stores that this module opens have a copy in PostgreSQL. */
export function shareStores(stores: SharedStores): void {
  shared = stores;
}

/** SQL for the tables of the journal alone. */
export const JOURNAL = TABLES.filter(({ name }) => name.startsWith("journal"))
  .map(({ ddl }) => ddl).join("");

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

/** The real schema, in memory. */
export function openDatabase(): DatabaseSync {
  const file = shared?.openDatabase();
  if (file) return file;
  const database = new LazyDatabase(":memory:");
  database.deserialize(emptyBytes());
  return database;
}

/** Opens a store in a file. If there is none, it begins with the tables, as after a first start. */
export function openFilled(path: string, options: StoreOptions & { readonly now: number }): Store {
  if (!existsSync(path)) writeFileSync(path, emptyBytes(), { mode: 0o600 });
  return openPlainStore(path, options);
}

/** A store over an open database, as the function of this name in `src/` creates it. */
export function createStore(database: DatabaseSync, path: string, options: StoreOptions): Store {
  if (!shared) return createPlainStore(database, path, options);
  return shared.over(database, path, options);
}

/** The store of a file, as the function of this name in `src/` opens it. */
export function openStore(path: string, options: StoreOptions & { readonly now: number }): Store {
  if (!shared) return openPlainStore(path, options);
  return shared.open(path, options);
}
