/**
 * Writes groups of jobs: all into the journal, or all into the tables, which lag behind it.
 *
 * If each job of a group may be journaled, the group becomes rows of the journal. Its work on the
 * tables is done a moment later, together with that of many others. Any other group lets the tables
 * catch up first, in its own transaction.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Schedule } from "../../lib/schedule.ts";
import { type CrashHooks, type Durability, type Terms, UNNAMED } from "./durability.ts";
import { prepareJobGroups } from "./job_group.ts";
import { type Journal, type JournalRow, prepareJournal } from "./journal.ts";

/** Work that a caller waits for. */
export interface Job {
  /** Durability and name of its transaction. */
  readonly terms: Terms;
  /** Does the work on the tables and keeps its result, which is not told before it is committed. */
  readonly run: () => void;
  /** Tells the caller that the work is committed. */
  readonly resolve: () => void;
  /** Tells the caller that the work failed, with nothing of it stored. */
  readonly reject: (reason: unknown) => void;
  /** Set if the work may be journaled. */
  readonly journal?: JournalRow;
}

/** Work that the tables are behind by. */
interface Behind {
  readonly terms: Terms;
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
  write(jobs: readonly Job[]): readonly Job[];
  /** Does work that a crash may undo: with the next transaction, or a moment later. */
  later(terms: Terms, run: () => void): void;
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
  /** Tries to bring the tables up to date, now and never again. */
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
  readonly schedule: Schedule;
}

/** How long the tables stay behind the journal at most, in milliseconds. */
const BEHIND_MS = 50;
/** By how many records they are behind at most before they catch up earlier. */
const BEHIND_MAX = 128;
/**
 * Maximum number of records while the tables cannot catch up for want of room. From then on,
 * nothing more is journaled.
 */
const BEHIND_LIMIT = 4_096;
/** How long until tables that could not catch up are tried again, in milliseconds. */
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
  let behind: Behind[] = [];
  let cancel: (() => void) | undefined;

  /** Puts records into the journal, all or none. */
  function append(jobs: readonly Job[], rows: readonly JournalRow[]): readonly Job[] {
    let numbers: readonly number[] = [];
    const work = () => void (numbers = rows.map(journal.append));
    pass(crash.before, jobs);
    if (rows.length === 1) groups.single(durabilityOf(jobs), work);
    else groups.whole(durabilityOf(jobs), work);
    pass(crash.after, jobs);
    for (const [index, job] of jobs.entries()) defer(journaledAs(numbers[index], job));
    return jobs;
  }

  /** Lets the tables catch up, and does more to them in the same transaction. */
  function apply(jobs: readonly Job[]): readonly Job[] {
    const before = behind;
    // Rows that came later are another process's: a bot goes on while a command opens the store.
    const upTo = before.findLast(({ row }) => row !== undefined)?.row;
    const { caughtUp, done } = groups.each(durabilityOf([...before, ...jobs]), (runJob) => {
      const left = leftOf(before, journal);
      if (left.length < before.length) onUndone(); // another process has written: ask the tables
      const caughtUp = left.filter((one) => runJob(one.run, (error) => refuse(one, error)));
      const done = jobs.filter(({ run, reject }) => runJob(run, reject));
      if (upTo !== undefined) {
        journal.clear(upTo);
        crash.before("TJ");
      }
      pass(crash.before, caughtUp);
      pass(crash.before, done);
      return { caughtUp, done };
    });
    behind = behind.slice(before.length);
    cancel?.();
    cancel = undefined;
    if (upTo !== undefined) crash.after("TJ");
    pass(crash.after, caughtUp);
    pass(crash.after, done);
    return done;
  }

  function refuse({ row, kind = "later" }: Behind, error: unknown): void {
    if (row !== undefined) journal.refuse(row);
    onRefused(kind, error);
  }

  function defer(work: Behind): void {
    behind.push(work);
    if (behind.length === BEHIND_MAX) soon(catchUpSoon);
    else cancel ??= schedule(catchUpSoon, BEHIND_MS);
  }

  function catchUp(): void {
    if (behind.length > 0) apply([]);
  }

  function catchUpSoon(): void {
    cancel?.();
    cancel = undefined;
    try {
      catchUp();
    } catch {
      // Nothing is lost, and the next transaction or read tells its caller of the same trouble.
      cancel = schedule(catchUpSoon, RETRY_MS);
    }
  }

  return {
    write(jobs) {
      const rows = jobs.flatMap(({ journal }) => journal ?? []);
      const isShort = rows.length === jobs.length && behind.length < BEHIND_LIMIT;
      return isShort ? append(jobs, rows) : apply(jobs);
    },
    later: (terms, run) => defer({ terms, run }),
    catchUp,
    recover(applyRecord) {
      behind = journal.rows().map(({ id, kind, record }) => ({
        terms: UNNAMED,
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
function journaledAs(row: number | undefined, { run, journal }: Job): Behind {
  return {
    terms: UNNAMED,
    run,
    ...(journal && { kind: journal.kind }),
    ...(row !== undefined && { row }),
  };
}

/** Work that is still to be done. Another process may have done the oldest rows of the journal. */
function leftOf(behind: readonly Behind[], journal: Journal): readonly Behind[] {
  if (behind.every(({ row }) => row === undefined)) return behind;
  const oldest = journal.oldest() ?? Infinity;
  return behind.filter(({ row }) => row === undefined || row >= oldest);
}

function durabilityOf(jobs: readonly { readonly terms: Terms }[]): Durability {
  return jobs.some(({ terms }) => terms.durability === "full") ? "full" : "normal";
}

function pass(
  hook: CrashHooks["before"],
  jobs: readonly { readonly terms: Terms }[],
): void {
  for (const { terms: { name, also } } of jobs) {
    if (name) hook(name);
    if (also) hook(also);
  }
}
