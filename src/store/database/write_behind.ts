/**
 * Writes groups of jobs: all into the journal, or all into the tables, which lag behind it.
 *
 * If each job of a group may be journaled, the group becomes rows of the journal. Its work on the
 * tables is done up to a second later, together with that of many others. Any other group lets the
 * tables catch up first, in its own transaction.
 *
 * A row of the journal is one transaction as JSON, with the name of the code that does it. Its work
 * and the watermark behind it are one transaction of SQLite. So the work is done exactly once. One of
 * two processes does it: the one that has stored it, within a second, or after a crash the next one
 * that opens the store to write.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "./statements.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { CommitOptions, CrashHooks, Durability } from "./durability.ts";
import { JOURNAL_PLACES, type JournalRow, prepareJournal, type Tail } from "./journal.ts";
import { isOfDisk } from "./store_error.ts";

/** Work that a caller waits for. */
export interface WriteJob {
  /** Durability and name of its transaction. */
  readonly options: CommitOptions;
  /** Does the work on the tables and keeps its result until it is committed. */
  readonly run: () => void;
  /** Tells the caller that the work is committed. */
  readonly resolve: () => void;
  /** Tells the caller that the work failed, with nothing of it stored. */
  readonly reject: (reason: unknown) => void;
  /** Makes the work's record; absent if the work must not be journaled. */
  readonly journal?: () => JournalRow;
  /** Work that the tables get at once, with the record. */
  readonly atOnce?: () => void;
  /** Whether the work is still to be done, asked right before; absent: it is. */
  readonly isNeeded?: () => boolean;
  /** Tells the caller that it was not. */
  readonly skip?: () => void;
  /** Whether it shares a transaction with no other work. */
  readonly isAlone?: boolean;
}

/** Work that only the journal has. */
interface DeferredWork extends Pick<JournalRow, "kind"> {
  readonly run: () => void;
  /** Number of its record in the journal. */
  readonly row: number;
  /** UTF-16 units of its record. */
  readonly units: number;
}

/** Everything that writing needs from outside. */
export interface WriteBehindDeps {
  /** Rows of records that are folded. The caller forgets them if finished work is undone. */
  readonly tail: Pick<Tail, "fold" | "end">;
  /** Called around each named transaction; a test can end the process there. */
  readonly crash: CrashHooks;
  /**
   * Called at once, before other work runs, if finished work is undone. The tables then differ from
   * this process's memory.
   */
  readonly onUndone: () => void;
  /** Does a record's work to the tables, if an earlier process has stored it. */
  readonly applyRecord: (kind: string, record: string) => void;
  /** Gets work that the tables refused, which is a bug of ours. Its record is kept. */
  readonly onRefused: (kind: string, error: unknown) => void;
  /** Runs work soon, once. */
  readonly soon: (run: () => void) => void;
  /** Runs the catch-up after a while. */
  readonly schedule: StartTimer;
  /** Calls {@link WriteBehind.catchUp} with the other work that waits for it. */
  readonly catchUp: () => void;
}

/**
 * Maximum time (milliseconds) that the tables lag behind the journal. A start reads what they lack,
 * so nothing depends on it. Of replies 100 ms apart, each wrote 97 KB in 53 calls with 50 ms, and 43
 * KB in 26 calls with this and a ring.
 */
export const LAG_MAX_MS = 1_000;
/**
 * Number of deferred records at which the tables catch up earlier. The more there are, the fewer
 * pages of the tables are written for each: with 96, a reply in a burst took a tenth more CPU time.
 */
const LAG_MAX_RECORDS = 384;
/** UTF-16 units of deferred records at which the tables catch up earlier. */
const LAG_MAX_UNITS = 2 * 1024 * 1024;
/** Delay (milliseconds) before the next try, if the tables could not catch up. */
export const RETRY_MS = 1_000;

/**
 * Creates the writer of a database, with an empty backlog. The function is longer than most,
 * because its inner functions share one state: the work that only the journal has.
 *
 * @param database Open, migrated, owned by the caller; nothing else here writes to it.
 */
export function createWriteBehind(
  database: DatabaseSync,
  { tail, crash, onUndone, applyRecord, onRefused, soon, schedule, catchUp }: WriteBehindDeps,
) {
  const journal = prepareJournal(database);
  const groups = prepareJobGroups(database, onUndone);
  let deferred: DeferredWork[] = [];
  let units = 0;
  /** Whether the tables catch up soon, or again after a failure. */
  let isDue = false;
  let cancel: (() => void) | undefined;

  /** Puts records into the journal, all or none. */
  function append(jobs: readonly WriteJob[]): readonly WriteJob[] {
    const rows = jobs.flatMap(({ journal }) => journal?.() ?? []);
    let numbers: readonly number[] = [];
    const atOnce = jobs.flatMap(({ atOnce }) => atOnce ?? []);
    const appendAll = () => {
      for (const work of atOnce) work();
      numbers = rows.map((row) => journal.append(row, deferred[0]?.row));
    };
    callHook(crash.before, jobs);
    try {
      const isSingle = rows.length === 1 && atOnce.length === 0;
      if (isSingle) groups.single(durabilityOf(jobs), appendAll);
      else groups.whole(durabilityOf(jobs), appendAll);
    } catch (thrown) {
      journal.undo(); // a full disk must not use up the places of the ring
      throw thrown;
    }
    callHook(crash.after, jobs);
    for (const [index, { run }] of jobs.entries()) {
      const [row, record] = [numbers[index], rows[index]];
      if (row === undefined || !record) continue;
      defer({ run, row, kind: record.kind, units: record.record.length });
    }
    return jobs;
  }

  /**
   * Lets the tables catch up, and runs the jobs in the same transaction.
   *
   * @param lacking The work that the tables lack, read within the transaction.
   */
  function apply(
    jobs: readonly WriteJob[],
    lacking: () => readonly DeferredWork[] = () => deferred,
  ): readonly WriteJob[] {
    let upTo: number | undefined;
    const committed = groups.each(durabilityOf(jobs), (runJob, isAlone) => {
      /** Lets the rows of records wait, but not longer than until other work may read them. */
      const foldFor = (isRecord: boolean): void => {
        if (isAlone) return;
        if (isRecord) tail.fold();
        else runJob(tail.end, () => {});
      };
      const works = lacking();
      upTo = works.at(-1)?.row;
      foldFor(works.length > 0);
      for (const work of works) {
        runJob(work.run, (error) => {
          journal.refuse(work.row);
          onRefused(work.kind, error);
        });
      }
      const committed = jobs.filter(({ run, reject, journal, atOnce }) => {
        foldFor(journal !== undefined);
        return runJob(() => {
          atOnce?.();
          run();
        }, reject);
      });
      foldFor(false);
      if (upTo !== undefined) {
        journal.done(upTo);
        crash.before("TJ");
      }
      callHook(crash.before, committed);
      return committed;
    });
    deferred = [];
    units = 0;
    cancel?.();
    cancel = undefined;
    if (upTo !== undefined) crash.after("TJ");
    callHook(crash.after, committed);
    return committed;
  }

  const storedTail = () =>
    journal.tail().map(({ number: row, kind, record }): DeferredWork => ({
      kind,
      row,
      units: record.length,
      run: () => applyRecord(kind, record),
    }));

  function defer(work: DeferredWork): void {
    deferred.push(work);
    units += work.units;
    if (deferred.length < LAG_MAX_RECORDS && units < LAG_MAX_UNITS) {
      cancel ??= schedule(catchUpSoon, LAG_MAX_MS);
    } else if (!isDue) {
      isDue = true;
      soon(catchUpSoon);
    }
  }

  function catchUpSoon(): void {
    isDue = false;
    cancel?.();
    cancel = undefined;
    try {
      catchUp();
    } catch {
      // Nothing is lost, and the next transaction or read fails with the same error.
      isDue = true;
      cancel = schedule(catchUpSoon, RETRY_MS);
    }
  }

  return {
    /**
     * Writes jobs as one transaction.
     *
     * @returns The committed jobs. Each of the others has failed alone, and is rejected.
     * @throws {unknown} The error of SQLite or of the disk, with nothing stored.
     */
    write(jobs: readonly WriteJob[]): readonly WriteJob[] {
      if (jobs.length === 0) return jobs;
      const fitsJournal = deferred.length + jobs.length <= JOURNAL_PLACES &&
        jobs.every(({ journal }) => journal);
      return fitsJournal ? append(jobs) : apply(jobs);
    },
    /**
     * Brings the tables up to date, and does jobs to them in the same transaction.
     *
     * @returns As `write`.
     * @throws {unknown} The error of SQLite or of the disk; the tables stay behind.
     */
    catchUp: (jobs: readonly WriteJob[] = []): readonly WriteJob[] =>
      deferred.length + jobs.length > 0 ? apply(jobs) : [],
    /**
     * Does the work that an earlier process has left in the journal.
     *
     * @throws {unknown} As `catchUp` does.
     */
    recover(): void {
      if (journal.tail().length > 0) apply([], storedTail); // a start without work writes nothing
    },
    /**
     * As `recover`, within a transaction of the caller's that is never committed.
     *
     * @throws {unknown} The error of a record that the tables refuse.
     */
    fold(): void {
      for (const { run } of storedTail()) run();
    },
    /** Leaves the rest to the next start, which finds it in the journal. */
    end(): void {
      deferred = []; // a catch-up may be due in this turn of the event loop
      cancel?.();
    },
    /** Bytes of the records that only the journal has. */
    bytes: (): number => units * 2,
  };
}

function durabilityOf(jobs: readonly { readonly options: CommitOptions }[]): Durability {
  return jobs.some(({ options }) => options.durability === "full") ? "full" : "normal";
}

function callHook(
  hook: CrashHooks["before"],
  jobs: readonly { readonly options: CommitOptions }[],
): void {
  for (const { options: { name, also } } of jobs) {
    if (name) hook(name);
    if (also) hook(also);
  }
}

/**
 * Runs a job of the group.
 *
 * @param onThrow Gets the job's error if only this job is undone.
 * @returns Whether its work is part of the transaction.
 */
export type RunJob = (job: () => void, onThrow: (error: unknown) => void) => boolean;

/**
 * Runs several jobs in one transaction of SQLite. Each job can fail by itself.
 *
 * @param onUndone Called at once, before other work runs, if finished work is undone.
 */
function prepareJobGroups(database: DatabaseSync, onUndone: () => void) {
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

  /**
   * Runs `work` as one transaction.
   *
   * @throws {unknown} The error of `work` or of the disk, with nothing stored.
   */
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

  const runJob: RunJob = (job) => {
    try {
      job();
      return true;
    } catch (thrown) {
      throw database.isTransaction && !isOfDisk(thrown) ? new JobFailed(thrown) : thrown;
    }
  };

  const runJobAlone: RunJob = (job, onThrow) => {
    savepoint.run();
    try {
      job();
      release.run();
      return true;
    } catch (thrown) {
      // A full disk has undone the earlier jobs, too, or the statement alone. The job is not to blame.
      if (!database.isTransaction || isOfDisk(thrown)) throw thrown;
      undo.run();
      release.run();
      onUndone();
      onThrow(thrown);
      return false;
    }
  };

  return {
    /** Runs `work`, a single statement, which is a transaction by itself. */
    single(durability: Durability, work: () => void): void {
      setDurability(durability);
      work();
    },
    whole,
    /**
     * Runs jobs as one transaction. If the disk refuses, it fails as a whole. If a job throws
     * otherwise, `work` runs again from its beginning, and only that job is undone. Hardly any job
     * ever throws, so a savepoint for each would cost more than the second run.
     *
     * @param work Its second run gets `isAlone`: each job then stands for itself.
     */
    each<T>(durability: Durability, work: (runJob: RunJob, isAlone: boolean) => T): T {
      try {
        return whole(durability, () => work(runJob, false));
      } catch (thrown) {
        if (!(thrown instanceof JobFailed)) throw thrown;
        return whole(durability, () => work(runJobAlone, true));
      }
    },
  };
}

/** One job of a group has thrown, and the transaction is still open. */
class JobFailed extends Error {
  override readonly name = "JobFailed";

  constructor(cause: unknown) {
    super("A job of a group has thrown", { cause });
  }
}
