/**
 * Runs units of work on the database as transactions: all of a unit is stored, or nothing.
 *
 * A caller waits for the commit, so the methods of the store are asynchronous. The work itself is
 * synchronous, so no other work runs in between. The running bot groups its commits (`commits.ts`).
 * Without these, as for the opening of the file, each transaction runs here, alone and at once.
 */

import type { DatabaseSync } from "node:sqlite";
import type { CommitOptions } from "./durability.ts";
import { type Statements, statementsOf } from "./statements.ts";

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
 * Creates transactions without groups.
 *
 * @param database Open and at `synchronous=FULL`, SQLite's own default.
 */
export function createUngroupedTransactions(database: DatabaseSync): Transactions {
  return {
    database,
    sql: statementsOf(database),
    commit: (_terms, work, effects) => transact(database, work, effects?.onStored),
    read: (work) => Promise.try(work),
  };
}

/**
 * Runs `work` as one transaction.
 *
 * @returns What `work` returned, once it is committed.
 * @throws {unknown} What `work` threw, with nothing stored.
 */
export function transact<T>(
  database: DatabaseSync,
  work: () => T,
  onStored: (result: T) => void = () => {},
): Promise<T> {
  return Promise.try(() => {
    const result = transactNow(database, work);
    onStored(result);
    return result;
  });
}

/** As {@link transact}, synchronously: for opening and migrating. */
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
