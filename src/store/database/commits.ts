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
import { prepareJobGroups } from "./job_group.ts";
import { type Journal, type JournalRow, prepareJournal } from "./journal.ts";
import { toStoreError } from "./store_error.ts";
import { type CrashHooks, type Durability, type Terms, UNNAMED } from "./durability.ts";
import type { Transactions } from "./transact.ts";

export interface Commits extends Transactions {
  /** Does what a crash has left in the journal; before all else, once every kind is named. */
  recover(): void;
  /** Brings the tables up to date, for what looks at the file by itself. */
  catchUp(): void;
  /** Commits what waits, now, and takes no more. The database stays open. */
  close(): void;
}

export interface CommitsDeps {
  /** For the messages of errors. */
  readonly path: string;
  readonly crash: CrashHooks;
  /**
   * Told at once, before other work runs, that work which had run is undone, or that another
   * process has done it: the tables are not what was remembered.
   */
  readonly onUndone: () => void;
  /** Told of work that the tables did not take: a fault of ours. Its record stays in the journal. */
  readonly onRefused: (kind: string, error: unknown) => void;
  /** Runs the group soon, once; `setImmediate` by default. */
  readonly soon?: (run: () => void) => void;
  readonly schedule?: Schedule;
}

/** How long the tables stay behind the journal at most, in milliseconds. */
const BEHIND_MS = 50;
/** By how many records they are behind at most before they catch up earlier. */
const BEHIND_MAX = 128;
/** Where they cannot catch up, for want of room: from so many on nothing more is journaled. */
const BEHIND_LIMIT = 4_096;
/** How long until tables that could not catch up are tried again, in milliseconds. */
const RETRY_MS = 1_000;

/** Work that a caller waits for. */
interface Job {
  readonly terms: Terms;
  /** Does the work on the tables and keeps its result, which is not told before it is committed. */
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Set where it may be journaled. */
  readonly journal?: JournalRow;
}

/** Work that the tables are behind by. */
interface Behind {
  readonly terms: Terms;
  readonly run: () => void;
  /** Of its record, and its number in the journal; absent on what a crash may undo. */
  readonly kind?: string;
  readonly row?: number;
}

/** @param database Open, migrated, owned by the caller; nothing else here writes to it. */
export function createCommits(
  database: DatabaseSync,
  { path, crash, onUndone, onRefused, soon = setImmediate, schedule = realSchedule }: CommitsDeps,
): Commits {
  const journal = prepareJournal(database);
  const groups = prepareJobGroups(database, onUndone);
  const kinds = new Map<string, (record: string) => void>();
  let waiting: Job[] = [];
  let behind: Behind[] = [];
  let cancel: (() => void) | undefined;
  let isClosed = false;

  function flush(): void {
    const jobs = waiting;
    waiting = [];
    if (jobs.length === 0) return;
    const rows = jobs.flatMap(({ journal }) => journal ?? []);
    try {
      const isShort = rows.length === jobs.length && behind.length < BEHIND_LIMIT;
      for (const { resolve } of isShort ? append(jobs, rows) : apply(jobs)) resolve();
    } catch (thrown) {
      const error = toStoreError(thrown, path);
      for (const { reject } of jobs) reject(error);
    }
  }

  /** Puts records into the journal, all or none. */
  function append(jobs: readonly Job[], rows: readonly JournalRow[]): readonly Job[] {
    let numbers: readonly number[] = [];
    const work = () => void (numbers = rows.map(journal.append));
    pass(crash.before, jobs);
    if (rows.length === 1) groups.single(durabilityOf(jobs), work);
    else groups.whole(durabilityOf(jobs), work);
    pass(crash.after, jobs);
    for (const [index, { run, journal }] of jobs.entries()) {
      const row = numbers[index];
      defer({
        terms: UNNAMED,
        run,
        ...(journal && { kind: journal.kind }),
        ...(row !== undefined && { row }),
      });
    }
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
      if (!isClosed) defer({ terms, run });
    },
    read: (work) =>
      glance(() => {
        catchUp();
        return work();
      }),
    glance,
    catchUp,
    recover() {
      behind = journal.rows().map(({ id, kind, record }) => ({
        terms: UNNAMED,
        kind,
        row: id,
        run() {
          const apply = kinds.get(kind);
          if (!apply) throw new TypeError(`No module knows records of the kind "${kind}"`);
          apply(record);
        },
      }));
      try {
        catchUp();
      } catch (thrown) {
        throw toStoreError(thrown, path);
      }
    },
    close() {
      flush();
      isClosed = true;
      catchUpSoon();
      cancel?.();
    },
  };
}

/** What is still to be done: another process may have done the oldest rows of the journal. */
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
