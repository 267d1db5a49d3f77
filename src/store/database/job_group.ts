/** Runs several jobs in one transaction of SQLite. Each job can fail by itself. */

import type { DatabaseSync } from "node:sqlite";
import type { Durability } from "./durability.ts";
import { isOfDisk } from "./store_error.ts";

/**
 * Runs a job of the group.
 *
 * @param onThrow Gets the job's error if only this job is undone.
 * @returns Whether its work is part of the transaction.
 */
export type RunJob = (job: () => void, onThrow: (error: unknown) => void) => boolean;

/** The three ways to run work as one transaction. */
export interface JobGroups {
  /** Runs `work`, a single statement, which is a transaction by itself. */
  single(durability: Durability, work: () => void): void;
  /**
   * Runs `work` as one transaction.
   *
   * @throws {unknown} The error of `work` or of the disk, with nothing stored.
   */
  whole<T>(durability: Durability, work: () => T): T;
  /**
   * Runs jobs as one transaction. If the disk refuses, it fails as a whole. If a job throws
   * otherwise, `work` runs again from its beginning, and only that job is undone. Hardly any job
   * ever throws, so a savepoint for each would cost more than the second run.
   *
   * @param work Its second run gets `isAlone`: each job then stands for itself.
   */
  each<T>(durability: Durability, work: (runJob: RunJob, isAlone: boolean) => T): T;
}

/**
 * Prepares the statements that begin and end transactions.
 *
 * @param onUndone Called at once, before other work runs, if finished work is undone.
 */
export function prepareJobGroups(database: DatabaseSync, onUndone: () => void): JobGroups {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const savepoint = database.prepare("SAVEPOINT job");
  const release = database.prepare("RELEASE job");
  const undo = database.prepare("ROLLBACK TO job");
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
    single(durability, work) {
      setDurability(durability);
      work();
    },
    whole,
    each(durability, work) {
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
