/**
 * Units of work on the database: all of one is stored, or nothing.
 *
 * The ports of the store are asynchronous, because another database may come
 * behind them; the work itself is not, so that nothing runs in between. The
 * running bot groups its commits and has a journal (`commits.ts`); a process
 * that has one thing to store does it here, alone and at once.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Terms } from "./durability.ts";

export interface Transactions {
  /**
   * Runs `work` as one transaction.
   *
   * @returns What `work` returned, once it is committed.
   * @throws {unknown} What `work` or the disk threw, with nothing stored.
   */
  commit<T>(terms: Terms, work: () => T): Promise<T>;
  /**
   * Names work that is known by a record: JSON that says all that it does. Each name has one
   * module, which asks for this before anything else is done.
   *
   * @param apply Does it to the tables. It may run in another process than the one that stored the
   * record, so it uses nothing but the record and the tables, and fails for no record of its kind.
   * @returns What stores such work in short: it is safe when the promise resolves, and the tables
   * have it before anything else reads or changes them.
   */
  journaled<Recorded>(
    kind: string,
    apply: (record: Recorded) => void,
  ): (terms: Terms, record: Recorded) => Promise<void>;
  /** Work that a crash may undo: it goes with the next transaction, or is done a moment later. */
  later(terms: Terms, work: () => unknown): void;
  /** Runs a statement that only reads; it sees all that is committed, and all that is journaled. */
  read<T>(work: () => T): Promise<T>;
  /** {@link read} of what nothing in the journal changes. */
  glance<T>(work: () => T): Promise<T>;
}

/** @param database Open and at `synchronous=FULL`, SQLite's own default. */
export function transactAlone(database: DatabaseSync): Transactions {
  return {
    commit: (_terms, work) => transact(database, work),
    journaled: (_kind, apply) => (_terms, record) => transact(database, () => apply(record)),
    later: (_terms, work) => transactNow(database, work),
    read: (work) => Promise.try(work),
    glance: (work) => Promise.try(work),
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
