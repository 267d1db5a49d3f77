/**
 * Copies the database of a bot that may be running, and checks such a copy.
 *
 * The copy is one statement of a connection that only reads. So it sees one moment of the database,
 * and keeps no other connection from writing. The log grows meanwhile by what the bot writes, and the
 * next checkpoint empties it.
 */

import { closeSync, openSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { inspect } from "../database/database.ts";
import { assertRegularFiles } from "../database/database_files.ts";
import { MIGRATIONS } from "../database/migrations.ts";
import { StoreError, toStoreError } from "../database/store_error.ts";

/** The facts of a copy that people and a restore need. */
export interface CopyFacts {
  /** Number of its schema. */
  readonly schema: number;
  /** The accounts that have ever connected. */
  readonly accounts: readonly CopiedAccount[];
}

/** An account of a copy. */
export interface CopiedAccount {
  readonly id: string;
  /** The bot's user id at Discord; absent if it never connected. */
  readonly userId?: string;
  /** Its name there. */
  readonly name?: string;
}

/** The schema of this Barnacle. */
export const NEWEST_SCHEMA: number = MIGRATIONS.length;

/** Memory for pages while the file is written in the order of its keys. */
const CACHE_KIB = 16_000;

/** Problems that a check lists. */
const MAX_PROBLEMS = 5;

/**
 * Copies the database into a new file, without free pages, which may have deleted texts.
 *
 * @throws {StoreError} As a start of the bot would; `full` if the disk has no room. No copy is left.
 */
export function copyDatabase(path: string, to: string): CopyFacts {
  const clear = (): void => {
    for (const end of ["", "-journal"]) rmSync(`${to}${end}`, { force: true });
  };
  clear();
  try {
    assertRegularFiles(path);
    const schema = inspect(path, Infinity);
    closeSync(openSync(to, "wx", 0o600)); // SQLite fills an empty file and keeps its mode
    return withDatabase(path, (database) => {
      // The copy is read at once and then deleted, so the disk need not have it.
      database.exec(`PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}`);
      database.prepare("VACUUM INTO ?").run(to);
      return { schema, accounts: accountsIn(database) };
    });
  } catch (error) {
    clear();
    throw toStoreError(error, path);
  }
}

const accountSchema = z.object({
  account_id: column.text,
  user_id: column.textOrNull,
  username: column.textOrNull,
});

function accountsIn(database: DatabaseSync): CopyFacts["accounts"] {
  return database.prepare(
    "SELECT account_id, user_id, username FROM account ORDER BY account_id",
  ).all().map((row) => {
    const { account_id, user_id, username } = accountSchema.parse(row);
    return { id: account_id, userId: user_id ?? undefined, name: username ?? undefined };
  });
}

const checkSchema = z.object({ integrity_check: column.text });

/**
 * Reads every page of a copy.
 *
 * @returns The copy's schema, which this Barnacle can use.
 * @throws {StoreError} If it is damaged, of a newer Barnacle, or no store.
 */
export function checkCopy(path: string): number {
  try {
    const schema = inspect(path, NEWEST_SCHEMA);
    const problems = withDatabase(
      path,
      (database) => database.prepare(`PRAGMA integrity_check(${MAX_PROBLEMS})`).all(),
    ).map((row) => checkSchema.parse(row).integrity_check);
    if (schema > 0 && problems.length === 1 && problems[0] === "ok") return schema;
    throw new StoreError(
      schema === 0 ? "The store in it has no tables" : `The store in it is damaged: ${problems[0]}`,
      { kind: "damaged", path },
    );
  } catch (error) {
    throw toStoreError(error, path);
  }
}

function withDatabase<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    return work(database);
  } finally {
    database.close();
  }
}
