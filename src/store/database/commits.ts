/**
 * Group commit, and a journal in front of the tables.
 *
 * Transactions that are asked for in one turn of the event loop are one: a commit
 * that waits for the disk costs 0.2 ms here and 5 to 50 ms on an SD card, whatever
 * is in it. The group is as durable as its most demanding member, and a transaction
 * that comes alone waits for no other (`setImmediate` follows an idle loop's job
 * after 1 to 4 µs).
 *
 * A message that is answered changes some twenty pages in a dozen tables and
 * indexes. The transactions of its way (T1, T3, T4) are therefore stored as one row
 * of the journal each, and done to the tables together with many others a moment
 * later. Three rules keep that invisible to the rest of the store:
 *
 * 1. Before any other transaction, and before any read, the tables catch up.
 * 2. Work leaves the journal in the transaction that does it to the tables.
 * 3. A start does what the journal holds before it does anything else.
 *
 * So tables and journal together always say what the tables alone would say without
 * a journal, and a crash or a power cut leaves a beginning of the same sequence.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type Schedule, schedule as realSchedule } from "../../lib/schedule.ts";
import type { Terms } from "./durability.ts";
import type { JournalRow } from "./journal.ts";
import { toStoreError } from "./store_error.ts";
import type { Transactions } from "./transact.ts";
import { createWriteBehind, type Job, type WriteBehindDeps } from "./write_behind.ts";

export interface Commits extends Transactions {
  /**
   * Does what a crash has left in the journal; before all else, once every kind is named.
   *
   * @throws {StoreError} If the disk refuses; the journal stays as it is.
   */
  recover(): void;
  /**
   * Brings the tables up to date, for what looks at the file by itself.
   *
   * @throws {unknown} What SQLite or the disk threw; the tables stay behind as they are.
   */
  catchUp(): void;
  /** Commits what waits, now, and takes no more. The database stays open. */
  close(): void;
}

export interface CommitsDeps extends Pick<WriteBehindDeps, "crash" | "onUndone" | "onRefused"> {
  /** For the messages of errors. */
  readonly path: string;
  /** Runs the group soon, once; `setImmediate` by default. */
  readonly soon?: WriteBehindDeps["soon"];
  readonly schedule?: Schedule;
}

/** @param database Open, migrated, owned by the caller; nothing else here writes to it. */
export function createCommits(
  database: DatabaseSync,
  { path, crash, onUndone, onRefused, soon = setImmediate, schedule = realSchedule }: CommitsDeps,
): Commits {
  const tables = createWriteBehind(database, { crash, onUndone, onRefused, soon, schedule });
  const kinds = new Map<string, (record: string) => void>();
  let waiting: Job[] = [];
  let isClosed = false;

  function flush(): void {
    const jobs = waiting;
    waiting = [];
    if (jobs.length === 0) return;
    try {
      for (const { resolve } of tables.write(jobs)) resolve();
    } catch (thrown) {
      const error = toStoreError(thrown, path);
      for (const { reject } of jobs) reject(error);
    }
  }

  function ask<T>(terms: Terms, work: () => T, journal?: JournalRow): Promise<T> {
    if (isClosed) return Promise.reject(new Error("Cannot store anything: the store is closed"));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: { readonly of: T } | undefined;
    waiting.push({
      terms,
      ...(journal && { journal }),
      run: () => void (result = { of: work() }),
      // Work that is journaled returns nothing, and has not run yet.
      resolve: () => resolve(result?.of as T),
      reject: (reason) => reject(toStoreError(reason, path)),
    });
    if (waiting.length === 1) soon(flush);
    return promise;
  }

  const glance = <T>(work: () => T): Promise<T> =>
    Promise.try(work).catch((thrown: unknown) => {
      throw toStoreError(thrown, path);
    });

  return {
    commit: (terms, work) => ask(terms, work),
    journaled(kind, apply) {
      kinds.set(kind, (record) => apply(JSON.parse(record))); // ours, written below
      return (terms, record) =>
        ask(terms, () => apply(record), { kind, record: JSON.stringify(record) });
    },
    later(terms, run) {
      if (!isClosed) tables.later(terms, run);
    },
    read: (work) =>
      glance(() => {
        tables.catchUp();
        return work();
      }),
    glance,
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
