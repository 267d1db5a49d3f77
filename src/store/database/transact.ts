/**
 * Runs units of work on the database as transactions: all of a unit is stored, or nothing.
 *
 * A caller waits for the commit, so the methods of the store are asynchronous. The work itself is
 * synchronous, so no other work runs in between. The running bot groups its commits and
 * has a journal (`commits.ts`). Without these, as for the opening of the file and for a reader beside
 * the bot, each transaction runs here, alone and at once.
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

/** Stores work of one kind as records. The tables have it before other work reads or changes them. */
export interface Journaled<Recorded> {
  /**
   * Stores a record; it is safe once the promise resolves.
   *
   * @param isNeeded Called right before; if it returns `false`, the record is not stored.
   * @returns Whether the record was stored.
   */
  append(
    options: CommitOptions,
    record: Recorded,
    effects?: Pick<Effects<void>, "onStored"> & {
      readonly isNeeded?: () => boolean;
      /** Work that the tables get at once, in the transaction of the record: files are no JSON. */
      readonly atOnce?: () => void;
    },
  ): Promise<boolean>;
  /**
   * Stores a record that no caller waits for, with the next transaction. A kill before that undoes it.
   * The record may change until it is stored.
   *
   * @param withinMs Milliseconds after which it is stored without another transaction; by default,
   * as long as the tables may lag.
   * @param onStored Called once the record is stored, or the tables have its work.
   */
  later(options: CommitOptions, record: Recorded, withinMs?: number, onStored?: () => void): void;
  /**
   * Stores a record that may become needless: with other work on the tables, or as long afterwards
   * as the tables may lag. A kill before that undoes it.
   *
   * @param isNeeded Called right before; if it returns `false`, the record is not stored.
   */
  ifNeeded(options: CommitOptions, record: Recorded, isNeeded: () => boolean): void;
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
  /**
   * Registers a kind of work that a JSON record describes completely. One module owns each kind,
   * and registers it before it does anything else.
   *
   * @param apply Does a record's work to the tables. It may run in a later process than the one
   * that stored the record, so it uses only the record and the tables. It must not fail for any
   * record of its kind.
   */
  journaled<Recorded>(kind: string, apply: (record: Recorded) => void): Journaled<Recorded>;
  /** Runs a statement that only reads. It sees all committed and all journaled work. */
  read<T>(work: () => T): Promise<T>;
  /** As {@link read}, for rows that no journaled work changes. */
  readUnjournaled<T>(work: () => T): Promise<T>;
}

/**
 * Creates transactions without groups and without a journal.
 *
 * @param database Open and at `synchronous=FULL`, SQLite's own default.
 */
export function createUngroupedTransactions(database: DatabaseSync): Transactions {
  return {
    database,
    sql: statementsOf(database),
    commit: (_terms, work, effects) => transact(database, work, effects?.onStored),
    journaled: (_kind, apply) => ({
      async append(_terms, record, { isNeeded = () => true, atOnce, onStored } = {}) {
        if (!isNeeded()) return false;
        await transact(database, () => {
          atOnce?.();
          apply(record);
        }, onStored);
        return true;
      },
      later(_terms, record, _withinMs, onStored) {
        transactNow(database, () => apply(record));
        onStored?.();
      },
      ifNeeded: (_terms, record) => transactNow(database, () => apply(record)),
    }),
    read: (work) => Promise.try(work),
    readUnjournaled: (work) => Promise.try(work),
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
