/**
 * Commits transactions in groups, and keeps a journal in front of the tables.
 *
 * Transactions of one turn of the event loop share one commit. A commit that waits for the disk
 * costs 0.2 ms here and 5 to 50 ms on an SD card, regardless of its size. The group is as durable
 * as its most demanding member. A transaction that comes alone waits for no other: `setImmediate`
 * follows an idle loop's job after 1 to 4 µs.
 *
 * An answered message changes some twenty pages in a dozen tables and indexes. So its transactions
 * (T1, T3, T4) are stored as one row of the journal each, and so are summaries. A moment later, the
 * tables take many of these rows together. Three rules hide this from the rest of the store:
 *
 * 1. Before any other transaction, and before any read, the tables catch up.
 * 2. Work leaves the journal in the transaction that does it to the tables.
 * 3. A new process first does all work in the journal.
 *
 * So tables and journal together always hold the same data as tables without a journal would. After
 * a crash or a power cut, the file holds the first part of the same sequence of transactions.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { schedule as realSchedule, type StartTimer } from "../../lib/clock.ts";
import type { CommitOptions } from "./durability.ts";
import {
  createWriteBehind,
  type JournalRow,
  type WriteBehindDeps,
  type WriteJob,
} from "./write_behind.ts";
import { StoreError, toStoreError } from "./store_error.ts";
import type { Transactions } from "./transact.ts";
import type { StoreErrorKind } from "../../core/store/store.ts";

/** Transactions in groups, with a journal. */
export interface Commits extends Transactions {
  /**
   * Does the work that a crash has left in the journal. Called once all kinds are registered,
   * before any other work.
   *
   * @throws {StoreError} If the disk refuses; the journal stays unchanged.
   */
  recover(): void;
  /**
   * Brings the tables up to date, for a reader that opens the file by itself.
   *
   * @throws {unknown} The error of SQLite or of the disk; the tables stay behind.
   */
  catchUp(): void;
  /** Commits all waiting work now, and refuses later work. The database stays open. */
  close(): void;
}

/** Everything that commits need from outside. */
export interface CommitsDeps extends Pick<WriteBehindDeps, "crash" | "onUndone" | "onRefused"> {
  /** Path of the database file, for error messages. */
  readonly path: string;
  /** Runs the group soon, once; `setImmediate` by default. */
  readonly soon?: WriteBehindDeps["soon"];
  /** Runs the tables' catch-up later; real timers by default. */
  readonly schedule?: StartTimer;
  /** Called if the disk or the file refuses a write, and if a read finds damage. */
  readonly onFailed?: (kind: StoreErrorKind) => void;
}

/**
 * Creates the transactions of a database.
 *
 * @param database Open, migrated, owned by the caller; nothing else here writes to it.
 */
export function createCommits(
  database: DatabaseSync,
  {
    path,
    crash,
    onUndone,
    onRefused,
    soon = setImmediate,
    schedule = realSchedule,
    onFailed = () => {},
  }: CommitsDeps,
): Commits {
  const tables = createWriteBehind(database, { crash, onUndone, onRefused, soon, schedule });
  const kinds = new Map<string, (record: string) => void>();
  let waiting: WriteJob[] = [];
  let isClosed = false;

  function writeError(thrown: unknown): unknown {
    const error = toStoreError(thrown, path);
    if (error instanceof StoreError) onFailed(error.kind);
    return error;
  }

  function flush(): void {
    const jobs = waiting;
    waiting = [];
    if (jobs.length === 0) return;
    try {
      for (const { resolve } of tables.write(jobs)) resolve();
    } catch (thrown) {
      const error = writeError(thrown);
      for (const { reject } of jobs) reject(error);
    }
  }

  function enqueue<T>(options: CommitOptions, work: () => T, journal?: JournalRow): Promise<T> {
    if (isClosed) return Promise.reject(new Error("Cannot store anything: the store is closed"));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: { readonly value: T } | undefined;
    waiting.push({
      options,
      journal,
      run: () => void (result = { value: work() }),
      // Work that is journaled returns nothing, and has not run yet.
      resolve: () => resolve(result?.value as T),
      reject: (reason) => reject(reason instanceof StoreError ? reason : writeError(reason)),
    });
    if (waiting.length === 1) soon(flush);
    return promise;
  }

  const readUnjournaled = <T>(work: () => T): Promise<T> =>
    Promise.try(work).catch((thrown: unknown) => {
      const error = toStoreError(thrown, path);
      if (error instanceof StoreError && error.kind === "damaged") onFailed(error.kind);
      throw error;
    });

  return {
    commit: (options, work) => enqueue(options, work),
    journaled(kind, apply) {
      kinds.set(kind, (record) => apply(JSON.parse(record))); // ours, written below
      return (options, record) =>
        enqueue(options, () => apply(record), { kind, record: JSON.stringify(record) });
    },
    later(options, run) {
      if (!isClosed) tables.later(options, run);
    },
    read: (work) =>
      readUnjournaled(() => {
        tables.catchUp();
        return work();
      }),
    readUnjournaled,
    catchUp: tables.catchUp,
    recover() {
      try {
        tables.recover((kind, record) => {
          const apply = kinds.get(kind);
          if (!apply) throw new TypeError(`No module knows records of the kind "${kind}"`);
          apply(record);
        });
      } catch (thrown) {
        throw toStoreError(thrown, path);
      }
    },
    close() {
      flush();
      isClosed = true;
      tables.end();
    },
  };
}
