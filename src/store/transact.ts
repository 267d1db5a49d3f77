/**
 * Units of work on the database: all of one is stored, or nothing.
 *
 * The ports of the store are asynchronous, for a database that is not in this
 * process may come next; the work itself is not, so that nothing slips in
 * between. The running bot groups its commits (`commits.ts`); a process that
 * has one thing to store does it here, alone.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Terms } from "./terms.ts";

export interface Transactions {
  /**
   * Runs `work` as one transaction.
   *
   * @returns What `work` returned, once it is committed.
   * @throws {unknown} What `work` or the disk threw, with nothing stored.
   */
  commit<T>(terms: Terms, work: () => T): Promise<T>;
  /** Runs a statement that only reads; it sees what is committed. */
  read<T>(work: () => T): Promise<T>;
}

/** @param database Open and at `synchronous=FULL`, SQLite's own default. */
export function transactAlone(database: DatabaseSync): Transactions {
  return {
    commit: (_terms, work) => transact(database, work),
    read: (work) => Promise.try(work),
  };
}

/**
 * Runs `work` as one transaction.
 *
 * @returns What `work` returned, once it is committed.
 * @throws {unknown} What `work` threw, with nothing stored.
 */
export function transact<T>(database: DatabaseSync, work: () => T): Promise<T> {
  return Promise.try(() => transactNow(database, work));
}

/** {@link transact} for where there is nothing to wait for: opening and migrating. */
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
