/**
 * Writes groups of jobs: all into the journal, or all into the tables, which lag behind it.
 *
 * If each job of a group may be journaled, the group becomes rows of the journal. Its work on the
 * tables is done a moment later, together with that of many others. Any other group lets the tables
 * catch up first, in its own transaction.
 *
 * A row of the journal is one transaction as JSON, with the name of the code that does it. Its work
 * and its removal are one transaction of SQLite. So the work is done exactly once. One of three
 * processes does it: the bot a moment later, the next start after a crash, or a command that opens
 * the store in between.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { StartTimer } from "../../lib/clock.ts";
import { type CommitOptions, type CrashHooks, type Durability, UNNAMED } from "./durability.ts";
import { prepareJobGroups } from "./job_group.ts";

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
  /** Set if the work may be journaled. */
  readonly journal?: JournalRow;
}

/** Work that the tables do not have yet. */
interface DeferredWork {
  readonly options: CommitOptions;
  readonly run: () => void;
  /** Kind of its record; absent if a crash may undo the work. */
  readonly kind?: string;
  /** Number of its record in the journal; absent if a crash may undo the work. */
  readonly row?: number;
}

/** Writes jobs, and lets the tables catch up later. */
export interface WriteBehind {
  /**
   * Writes jobs as one transaction.
   *
   * @returns The committed jobs. Each of the others has failed alone, and is rejected.
   * @throws {unknown} The error of SQLite or of the disk, with nothing stored.
   */
  write(jobs: readonly WriteJob[]): readonly WriteJob[];
  /** Does work that a crash may undo: with the next transaction, or a moment later. */
  later(options: CommitOptions, run: () => void): void;
  /**
   * Brings the tables up to date.
   *
   * @throws {unknown} The error of SQLite or of the disk; the tables stay behind.
   */
  catchUp(): void;
  /**
   * Does the work that an earlier process has left in the journal.
   *
   * @param apply Does a record of a kind to the tables.
   * @throws {unknown} As {@link WriteBehind.catchUp} does.
   */
  recover(apply: (kind: string, record: string) => void): void;
  /** Tries once more to bring the tables up to date, and starts no timer. */
  end(): void;
}

/** Everything that writing needs from outside. */
export interface WriteBehindDeps {
  /** Called around each named transaction; a test can end the process there. */
  readonly crash: CrashHooks;
  /**
   * Called at once, before other work runs, if finished work is undone or another process has done
   * it. The tables then differ from this process's memory.
   */
  readonly onUndone: () => void;
  /** Gets work that the tables refused, which is a bug of ours. Its record stays in the journal. */
  readonly onRefused: (kind: string, error: unknown) => void;
  /** Runs work soon, once. */
  readonly soon: (run: () => void) => void;
  /** Runs the catch-up after a while. */
  readonly schedule: StartTimer;
}

/**
 * Maximum time (milliseconds) that the tables lag behind the journal.
 *
 * A kill undoes T5 of this time. Each such row costs a request after the start, and without the
 * right to read the history, it is held as uncertain after the nonce window. With 250 ms, replies
 * right after each other wrote 38 % fewer pages, but the CPU time fell by no more than the
 * measurement's noise. With a pause of 300 ms between replies, both limits wrote the same.
 */
const LAG_MAX_MS = 50;
/** Number of deferred records at which the tables catch up earlier. */
const LAG_MAX_RECORDS = 128;
/**
 * Maximum number of deferred records while the tables cannot catch up, because the disk is full.
 * From then on, nothing more is journaled.
 */
const JOURNAL_MAX_RECORDS = 4_096;
/** Delay (milliseconds) before the next try, if the tables could not catch up. */
const RETRY_MS = 1_000;

/**
 * Creates the writer of a database, with an empty backlog.
 *
 * @param database Open, migrated, owned by the caller; nothing else here writes to it.
 */
export function createWriteBehind(
  database: DatabaseSync,
  { crash, onUndone, onRefused, soon, schedule }: WriteBehindDeps,
): WriteBehind {
  const journal = prepareJournal(database);
  const groups = prepareJobGroups(database, onUndone);
  let deferred: DeferredWork[] = [];
  let cancel: (() => void) | undefined;

  /** Puts records into the journal, all or none. */
  function append(jobs: readonly WriteJob[], rows: readonly JournalRow[]): readonly WriteJob[] {
    let numbers: readonly number[] = [];
    const appendAll = () => void (numbers = rows.map(journal.append));
    callHook(crash.before, jobs);
    if (rows.length === 1) groups.single(durabilityOf(jobs), appendAll);
    else groups.whole(durabilityOf(jobs), appendAll);
    callHook(crash.after, jobs);
    for (const [index, job] of jobs.entries()) defer(journaledAs(numbers[index], job));
    return jobs;
  }

  /** Lets the tables catch up, and runs the jobs in the same transaction. */
  function apply(jobs: readonly WriteJob[]): readonly WriteJob[] {
    const before = deferred;
    // Later rows belong to another process: a bot keeps running while a command opens the store.
    const upTo = before.findLast(({ row }) => row !== undefined)?.row;
    const { caughtUp, committed } = groups.each(durabilityOf([...before, ...jobs]), (runJob) => {
      const remaining = remainingOf(before, journal);
      if (remaining.length < before.length) onUndone(); // another process has changed the tables
      const caughtUp = remaining.filter((work) => runJob(work.run, (error) => refuse(work, error)));
      const committed = jobs.filter(({ run, reject }) => runJob(run, reject));
      if (upTo !== undefined) {
        journal.clear(upTo);
        crash.before("TJ");
      }
      callHook(crash.before, caughtUp);
      callHook(crash.before, committed);
      return { caughtUp, committed };
    });
    deferred = deferred.slice(before.length);
    cancel?.();
    cancel = undefined;
    if (upTo !== undefined) crash.after("TJ");
    callHook(crash.after, caughtUp);
    callHook(crash.after, committed);
    return committed;
  }

  function refuse({ row, kind = "later" }: DeferredWork, error: unknown): void {
    if (row !== undefined) journal.refuse(row);
    onRefused(kind, error);
  }

  function defer(work: DeferredWork): void {
    deferred.push(work);
    if (deferred.length === LAG_MAX_RECORDS) soon(catchUpSoon);
    else cancel ??= schedule(catchUpSoon, LAG_MAX_MS);
  }

  function catchUp(): void {
    if (deferred.length > 0) apply([]);
  }

  function catchUpSoon(): void {
    cancel?.();
    cancel = undefined;
    try {
      catchUp();
    } catch {
      // Nothing is lost, and the next transaction or read fails with the same error.
      cancel = schedule(catchUpSoon, RETRY_MS);
    }
  }

  return {
    write(jobs) {
      const rows = jobs.flatMap(({ journal }) => journal ?? []);
      const isShort = rows.length === jobs.length && deferred.length < JOURNAL_MAX_RECORDS;
      return isShort ? append(jobs, rows) : apply(jobs);
    },
    later: (options, run) => defer({ options, run }),
    catchUp,
    recover(applyRecord) {
      deferred = journal.rows().map(({ id, kind, record }) => ({
        options: UNNAMED,
        kind,
        row: id,
        run: () => applyRecord(kind, record),
      }));
      catchUp();
    },
    end() {
      catchUpSoon();
      cancel?.();
    },
  };
}

/** The work of a job that is in the journal. */
function journaledAs(row: number | undefined, { run, journal }: WriteJob): DeferredWork {
  return {
    options: UNNAMED,
    run,
    kind: journal?.kind,
    row,
  };
}

/** Work that is still to be done. Another process may have done the oldest rows of the journal. */
function remainingOf(
  deferred: readonly DeferredWork[],
  journal: Journal,
): readonly DeferredWork[] {
  if (deferred.every(({ row }) => row === undefined)) return deferred;
  const oldest = journal.oldest() ?? Infinity;
  return deferred.filter(({ row }) => row === undefined || row >= oldest);
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

/** A record as it is stored. */
export interface JournalRow {
  /** Name of the code that does the record's work. */
  readonly kind: string;
  /** JSON. */
  readonly record: string;
}

/**
 * The journal's rows. All methods run within the caller's transaction; `append` may be one by
 * itself.
 */
interface Journal {
  /**
   * Adds a row as the newest.
   *
   * @returns The number of the row. Numbers rise for as long as the process lives.
   */
  append(row: JournalRow): number;
  /** The number of the oldest row whose work is still to be done; `undefined` if there is none. */
  oldest(): number | undefined;
  /** Rows whose work is still to be done, oldest first. */
  rows(): readonly (JournalRow & { readonly id: number })[];
  /** Removes every row up to a number, except refused ones. */
  clear(upTo: number): void;
  /** Keeps a row whose work the tables refused, and skips it from now on. */
  refuse(id: number): void;
}

/** Prepares the statements of the journal's table. */
function prepareJournal(database: DatabaseSync): Journal {
  const insert = database.prepare("INSERT INTO journal (id, kind, record) VALUES (?, ?, ?)");
  const selectOldest = database.prepare("SELECT MIN(id) AS id FROM journal WHERE is_refused = 0");
  const selectNewest = database.prepare("SELECT MAX(id) AS id FROM journal");
  const select = database.prepare(
    "SELECT id, kind, record FROM journal WHERE is_refused = 0 ORDER BY id",
  );
  const clear = database.prepare("DELETE FROM journal WHERE is_refused = 0 AND id <= ?");
  const refuse = database.prepare("UPDATE journal SET is_refused = 1 WHERE id = ?");
  const idIn = (row: Record<string, unknown> | undefined): number | undefined => {
    const id = row?.["id"];
    return typeof id === "number" ? id : undefined;
  };
  let lastId: number | undefined;
  return {
    append({ kind, record }) {
      // Never reuse a number: another process may have emptied the table meanwhile.
      lastId = (lastId ?? idIn(selectNewest.get()) ?? 0) + 1;
      insert.run(lastId, kind, record);
      return lastId;
    },
    oldest: () => idIn(selectOldest.get()),
    rows: () =>
      select.all().map(({ id, kind, record }) => ({
        id: Number(id),
        kind: String(kind),
        record: String(record),
      })),
    clear: (upTo) => void clear.run(upTo),
    refuse: (id) => void refuse.run(id),
  };
}
