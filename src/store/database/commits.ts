/**
 * Commits transactions in groups, and keeps a journal in front of the tables.
 *
 * Transactions of one turn of the event loop share one commit. A commit that waits for the disk
 * costs 0.2 ms here and 5 to 50 ms on an SD card, regardless of its size. The group is as durable
 * as its most demanding member. A transaction that comes alone waits for no other: `setImmediate`
 * follows an idle loop's job after 1 to 4 µs.
 *
 * An answered message changes some twenty pages in a dozen tables and indexes. So its transactions
 * (T1 to T5 and TS) are stored as one row of the journal each, and so are summaries and the use of
 * models. Up to a second later, the tables take many of these rows together, and write each changed
 * row once (`tail.ts`). If no caller waits for a record, the next transaction stores it, too; the
 * claim of a new message is only stored if its turn still runs when the tables are used, or a second
 * later. Three rules hide this from the rest of the store:
 *
 * 1. Before any other transaction, and before any read, the tables catch up. Only reads of rows that
 *    no record changes skip that (`readUnjournaled`).
 * 2. The journal's watermark moves in the transaction that does the work to the tables.
 * 3. A new process first does all work in the journal.
 *
 * So tables and journal together always hold the same data as tables without a journal would. After
 * a crash or a power cut, the file holds the first part of the same sequence of transactions.
 */

import type { DatabaseSync } from "node:sqlite";
import { schedule as realSchedule, type StartTimer } from "../../lib/clock.ts";
import type { CommitOptions } from "./durability.ts";
import {
  createWriteBehind,
  LAG_MAX_MS,
  RETRY_MS,
  type WriteBehindDeps,
  type WriteJob,
} from "./write_behind.ts";
import { statementsOf } from "./statements.ts";
import { StoreError, toStoreError } from "./store_error.ts";
import { createTail } from "./journal.ts";
import type { Effects, Transactions } from "./transact.ts";
import type { StoreErrorKind } from "../../core/store/store.ts";

interface Commits extends Transactions {
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
  /** Bytes of the records that only the journal has. */
  bytes(): number;
  /** Number of commits so far; it costs nothing to ask. */
  writes(): number;
}

export interface CommitsDeps extends Pick<WriteBehindDeps, "crash" | "onUndone" | "onRefused"> {
  /** Path of the database file, for error messages. */
  readonly path: string;
  /** Rows of records that are folded; by default, no kind of record has any. */
  readonly tail?: WriteBehindDeps["tail"];
  /** Runs the group soon, once; `setImmediate` by default. */
  readonly soon?: WriteBehindDeps["soon"];
  /** Runs the tables' catch-up later; real timers by default. */
  readonly schedule?: StartTimer;
  /** Called if the disk or the file refuses a write, and if a read finds damage. */
  readonly onFailed?: (kind: StoreErrorKind) => void;
  /** Whether reads see the journal's work without storing it, beside a process that hangs. */
  readonly foldsReads?: boolean;
}

/**
 * Creates the transactions of a database. The function is longer than most, because its inner
 * functions share one state: the jobs that wait.
 *
 * @param database Open, migrated, owned by the caller; nothing else here writes to it.
 */
export function createCommits(
  database: DatabaseSync,
  {
    path,
    tail = createTail(),
    crash,
    onUndone,
    onRefused,
    soon = setImmediate,
    schedule = realSchedule,
    onFailed = () => {},
    foldsReads = false,
  }: CommitsDeps,
): Commits {
  const kinds = new Map<string, (record: string) => void>();
  const tables = createWriteBehind(database, {
    tail,
    crash,
    onUndone,
    applyRecord(kind, record) {
      const apply = kinds.get(kind);
      if (!apply) throw new TypeError(`No module knows records of the kind "${kind}"`);
      apply(record);
    },
    onRefused,
    soon,
    schedule,
    catchUp: () => catchUp(),
  });
  const waiting: WriteJob[] = [];
  /** Jobs that no caller waits for: the next transaction stores them, or the timer. */
  let unhurried: WriteJob[] = [];
  /** Jobs that may be needless by then. */
  let perhaps: WriteJob[] = [];
  let cancelPerhaps: (() => void) | undefined;
  let cancelTimer: (() => void) | undefined;
  let timerMs = Infinity;
  let writes = 0;
  let isClosed = false;

  function writeError(thrown: unknown): unknown {
    const error = toStoreError(thrown, path);
    if (error instanceof StoreError) onFailed(error.kind);
    return error;
  }

  function flush(): void {
    do write(nextGroup()); while (waiting.length > 0);
  }

  function nextGroup(): readonly WriteJob[] {
    const alone = waiting.findIndex(({ isAlone }) => isAlone);
    return waiting.splice(0, alone < 0 ? waiting.length : Math.max(alone, 1));
  }

  function write(group: readonly WriteJob[]): void {
    const jobs = group.filter((job) => {
      const isNeeded = job.isNeeded?.() ?? true;
      if (!isNeeded) job.skip?.();
      return isNeeded;
    });
    if (jobs.some(({ journal }) => !journal)) takeNeeded();
    try {
      writeWithUnhurried((added) => tables.write([...added, ...jobs]));
    } catch (thrown) {
      const error = writeError(thrown);
      for (const { reject } of jobs) reject(error);
    }
  }

  function takeNeeded(): void {
    cancelPerhaps?.();
    cancelPerhaps = undefined;
    unhurried.push(...perhaps.filter(({ isNeeded }) => isNeeded?.()));
    perhaps = [];
  }

  function flushNeeded(): void {
    takeNeeded();
    flush();
  }

  function catchUp(): void {
    takeNeeded();
    writeWithUnhurried(tables.catchUp);
  }

  /** Writes the unhurried jobs, too. If that fails, they wait again. */
  function writeWithUnhurried(write: (added: readonly WriteJob[]) => readonly WriteJob[]): void {
    const added = unhurried;
    unhurried = [];
    cancelTimer?.();
    cancelTimer = undefined;
    try {
      const stored = write(added);
      if (stored.length > 0) writes += 1;
      for (const { resolve } of stored) resolve();
    } catch (thrown) {
      unhurried = [...added, ...unhurried];
      if (unhurried.length > 0) flushWithin(RETRY_MS);
      throw thrown;
    }
  }

  function flushWithin(ms: number): void {
    if (isClosed || cancelTimer && timerMs <= ms) return;
    cancelTimer?.();
    timerMs = ms;
    cancelTimer = schedule(flush, ms);
  }

  function enqueue(job: WriteJob): void {
    if (isClosed) return job.reject(new Error("Cannot store anything: the store is closed"));
    waiting.push(job);
    if (waiting.length === 1) soon(flush);
  }

  const failWith = (reject: (reason: unknown) => void) => (reason: unknown) =>
    reject(reason instanceof StoreError ? reason : writeError(reason));

  /**
   * Reads with the journal's work in the tables, and undoes that work at once: a transaction that
   * stays open would block the other process once it continues.
   */
  function readFolded<T>(work: () => T): T {
    if (!tryFold()) {
      foldsReads = false; // reads the tables as they are from now on
      return work();
    }
    try {
      return work();
    } finally {
      database.exec("ROLLBACK");
      onUndone();
    }
  }

  /** Opens a transaction with the journal's work, unless another process is writing. */
  function tryFold(): boolean {
    try {
      database.exec("BEGIN IMMEDIATE");
    } catch {
      return false; // the other process hangs in a transaction of its own
    }
    try {
      tables.fold();
      return true;
    } catch (error) {
      database.exec("ROLLBACK");
      onUndone();
      onRefused("tail", error);
      return false;
    }
  }

  const readUnjournaled = <T>(work: () => T): Promise<T> =>
    Promise.try(work).catch((thrown: unknown) => {
      const error = toStoreError(thrown, path);
      if (error instanceof StoreError && error.kind === "damaged") onFailed(error.kind);
      throw error;
    });

  return {
    database,
    sql: statementsOf(database),
    commit<T>(options: CommitOptions, work: () => T, { onStored, isAlone }: Effects<T> = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      let result: { readonly value: T } | undefined;
      enqueue({
        options,
        isAlone,
        run: () => void (result = { value: work() }),
        resolve() {
          if (!result) throw new TypeError("Work that has not run cannot be stored");
          const { value } = result;
          onStored?.(value);
          resolve(value);
        },
        reject: failWith(reject),
      });
      return promise;
    },
    journaled(kind, apply) {
      kinds.set(kind, (record) => apply(JSON.parse(record))); // ours, written below
      type Recorded = Parameters<typeof apply>[0];
      const rowOf = (record: Recorded) => () => ({ kind, record: JSON.stringify(record) });
      const jobOf = (options: CommitOptions, record: Recorded, onStored: () => void): WriteJob => ({
        options,
        journal: rowOf(record),
        run: () => apply(record),
        resolve: onStored,
        reject(error) {
          onRefused(kind, error);
          onStored();
        },
      });
      return {
        append(options, record, { isNeeded, atOnce, onStored } = {}) {
          const { promise, resolve, reject } = Promise.withResolvers<boolean>();
          enqueue({
            options,
            journal: rowOf(record),
            isNeeded,
            atOnce,
            run: () => apply(record),
            resolve() {
              onStored?.();
              resolve(true);
            },
            skip: () => resolve(false),
            reject: failWith(reject),
          });
          return promise;
        },
        later(options, record, withinMs = LAG_MAX_MS, onStored = () => {}) {
          if (isClosed) return;
          unhurried.push(jobOf(options, record, onStored));
          flushWithin(withinMs);
        },
        ifNeeded(options, record, isNeeded) {
          if (isClosed) return;
          perhaps.push({ ...jobOf(options, record, () => {}), isNeeded });
          cancelPerhaps ??= schedule(flushNeeded, LAG_MAX_MS);
        },
      };
    },
    read: (work) =>
      readUnjournaled(() => {
        if (foldsReads) return readFolded(work);
        catchUp();
        return work();
      }),
    readUnjournaled,
    catchUp,
    recover() {
      try {
        tables.recover();
      } catch (thrown) {
        throw toStoreError(thrown, path);
      }
    },
    close() {
      if (waiting.length > 0) flush();
      isClosed = true;
      cancelTimer?.();
      cancelPerhaps?.();
      try {
        catchUp();
      } catch {
        // The journal still has the work; unhurried jobs are lost as in a kill.
      }
      tables.end();
    },
    bytes: tables.bytes,
    writes: () => writes,
  };
}
