/**
 * Runs units of work on the database as transactions: all of a unit is stored, or nothing.
 *
 * A caller waits for the commit, so the methods of the store are asynchronous. The work itself is
 * synchronous, so no other work runs in between. The store groups its commits (`commits.ts`).
 */

import type { DatabaseSync } from "node:sqlite";
import type { CommitOptions } from "./durability.ts";
import type { Statements } from "./statements.ts";

/** How a transaction changes this process's memory. */
export interface Effects<T> {
  /** Called at the moment it is stored, before any other code runs. */
  readonly onStored?: (result: T) => void;
  /**
   * Whether it shares a commit with no other work: whatever is asked for later is decided with its
   * effects.
   */
  readonly isAlone?: boolean;
}

/** The ways to change and read the tables. */
export interface Transactions {
  /** The database, for statements that run within `work`. */
  readonly database: DatabaseSync;
  readonly sql: Statements;
  /**
   * Runs `work` as one transaction.
   *
   * @returns What `work` returned, once it is committed.
   * @throws {unknown} What `work` or the disk threw, with nothing stored.
   */
  commit<T>(options: CommitOptions, work: () => T, effects?: Effects<T>): Promise<T>;
  /** Runs a statement that only reads. It sees all committed work. */
  read<T>(work: () => T): Promise<T>;
}

/**
 * Runs `work` as one transaction, alone and at once: for migrations and copies.
 *
 * @throws {unknown} What `work` threw, with nothing stored.
 */
export function transactNow<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (thrown) {
    if (database.isTransaction) database.exec("ROLLBACK"); // a full disk has done it already
    throw thrown;
  }
}
