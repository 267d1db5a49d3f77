/**
 * Commits transactions in groups.
 *
 * Transactions of one turn of the event loop share one commit. A commit that waits for the disk
 * costs 0.2 ms here and 5 to 50 ms on an SD card, regardless of its size. The group is as durable
 * as its most demanding member. A transaction that comes alone waits for no other: `setImmediate`
 * follows an idle loop's job after 1 to 4 µs.
 */

import type { DatabaseSync } from "node:sqlite";
import type { StoreErrorKind } from "../../core/store/store.ts";
import type { CommitOptions, CrashHooks, Durability, Effects, Transactions } from "./durability.ts";
import { statementsOf } from "./durability.ts";
import { isOfDisk, StoreError, toStoreError } from "./store_error.ts";

interface Commits extends Transactions {
  /** Commits all waiting work now, and refuses later work. The database stays open. */
  close(): void;
  /** Number of commits so far; it costs nothing to ask. */
  writes(): number;
}

export interface CommitsDeps {
  /** Path of the database file, for error messages. */
  readonly path: string;
  /** Called around each named transaction; a test can end the process there. */
  readonly crash: CrashHooks;
  /**
   * Called at once, before other work runs, if finished work is undone. The tables then differ from
   * this process's memory.
   */
  readonly onUndone: () => void;
  /** Runs the group soon, once; `setImmediate` by default. */
  readonly soon?: (run: () => void) => void;
  /** Called if the disk or the file refuses a write, and if a read finds damage. */
  readonly onFailed?: (kind: StoreErrorKind) => void;
}

/** Work that a caller waits for. */
interface Job {
  readonly options: CommitOptions;
  /** Does the work on the tables and keeps its result until it is committed. */
  readonly run: () => void;
  /** Tells the caller that the work is committed. */
  readonly resolve: () => void;
  /** Tells the caller that the work failed, with nothing of it stored. */
  readonly reject: (reason: unknown) => void;
  /** Whether it shares a transaction with no other work. */
  readonly isAlone: boolean;
}

/** @param database Open, migrated, owned by the caller; nothing else here writes to it. */
export function createCommits(
  database: DatabaseSync,
  { path, crash, onUndone, soon = setImmediate, onFailed = () => {} }: CommitsDeps,
): Commits {
  const runGroup = prepareGroups(database, onUndone);
  const waiting: Job[] = [];
  let writes = 0;
  let isClosed = false;

  function errorOf(thrown: unknown): unknown {
    const error = toStoreError(thrown, path);
    if (error instanceof StoreError) onFailed(error.kind);
    return error;
  }

  function nextGroup(): readonly Job[] {
    const alone = waiting.findIndex(({ isAlone }) => isAlone);
    return waiting.splice(0, alone < 0 ? waiting.length : Math.max(alone, 1));
  }

  function flush(): void {
    while (waiting.length > 0) write(nextGroup());
  }

  function write(jobs: readonly Job[]): void {
    let committed: readonly Job[];
    try {
      committed = runGroup(jobs, (done) => callHook(crash.before, done));
      callHook(crash.after, committed);
    } catch (thrown) {
      const error = errorOf(thrown);
      for (const { reject } of jobs) reject(error);
      return;
    }
    if (committed.length > 0) writes += 1;
    for (const { resolve } of committed) resolve();
  }

  return {
    database,
    sql: statementsOf(database),
    commit<T>(
      options: CommitOptions,
      work: () => T,
      { onStored, isAlone = false }: Effects<T> = {},
    ) {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      if (isClosed) {
        reject(new Error("Cannot store anything: the store is closed"));
        return promise;
      }
      let result: { readonly value: T } | undefined;
      waiting.push({
        options,
        isAlone,
        run: () => void (result = { value: work() }),
        resolve() {
          if (!result) throw new TypeError("Work that has not run cannot be stored");
          onStored?.(result.value);
          resolve(result.value);
        },
        reject: (reason) => reject(reason instanceof StoreError ? reason : errorOf(reason)),
      });
      if (waiting.length === 1) soon(flush);
      return promise;
    },
    read: (work) =>
      Promise.try(() => {
        if (!isClosed) flush(); // a read sees all earlier work
        return work();
      }).catch((thrown: unknown) => {
        const error = toStoreError(thrown, path);
        if (error instanceof StoreError && error.kind === "damaged") onFailed(error.kind);
        throw error;
      }),
    close() {
      flush();
      isClosed = true;
    },
    writes: () => writes,
  };
}

function durabilityOf(jobs: readonly Job[]): Durability {
  return jobs.some(({ options }) => options.durability === "full") ? "full" : "normal";
}

function callHook(hook: CrashHooks["before"], jobs: readonly Job[]): void {
  for (const { options: { name } } of jobs) if (name) hook(name);
}

/**
 * Runs jobs as one transaction of SQLite. If the disk refuses, it fails as a whole. If a job throws
 * otherwise, the group runs again from its beginning, and only that job is undone. Hardly any job
 * ever throws, so a savepoint for each would cost more than the second run.
 *
 * @param onUndone Called at once, before other work runs, if finished work is undone.
 * @returns Runs a group, and returns its committed jobs. Each of the others is rejected.
 */
function prepareGroups(database: DatabaseSync, onUndone: () => void) {
  const sql = statementsOf(database);
  const begin = sql`BEGIN IMMEDIATE`;
  const commit = sql`COMMIT`;
  const savepoint = sql`SAVEPOINT job`;
  const release = sql`RELEASE job`;
  const undo = sql`ROLLBACK TO job`;
  let current: Durability | undefined;

  /** SQLite accepts this setting only between transactions. */
  function setDurability(durability: Durability): void {
    if (durability === current) return;
    database.exec(`PRAGMA synchronous = ${durability}`);
    current = durability;
  }

  function whole<T>(durability: Durability, work: () => T): T {
    setDurability(durability);
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (thrown) {
      onUndone();
      if (database.isTransaction) database.exec("ROLLBACK"); // a full disk has done it already
      throw thrown;
    }
  }

  function runTogether({ run }: Job): true {
    try {
      run();
      return true;
    } catch (thrown) {
      throw database.isTransaction && !isOfDisk(thrown) ? new JobFailed(thrown) : thrown;
    }
  }

  function runAlone({ run, reject }: Job): boolean {
    savepoint.run();
    try {
      run();
      release.run();
      return true;
    } catch (thrown) {
      // A full disk has undone the earlier jobs, too, or the statement alone. The job is not to blame.
      if (!database.isTransaction || isOfDisk(thrown)) throw thrown;
      undo.run();
      release.run();
      onUndone();
      reject(thrown);
      return false;
    }
  }

  return (jobs: readonly Job[], beforeCommit: (done: readonly Job[]) => void): readonly Job[] => {
    const all = (runJob: (job: Job) => boolean) =>
      whole(durabilityOf(jobs), () => {
        const done = jobs.filter(runJob);
        beforeCommit(done);
        return done;
      });
    try {
      return all(runTogether);
    } catch (thrown) {
      if (!(thrown instanceof JobFailed)) throw thrown;
      return all(runAlone);
    }
  };
}

/** One job of a group has thrown, and the transaction is still open. */
class JobFailed extends Error {
  override readonly name = "JobFailed";

  constructor(cause: unknown) {
    super("A job of a group has thrown", { cause });
  }
}
