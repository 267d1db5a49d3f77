/**
 * Stores the problems of models about which the owners got a notice, so that a restart sends no
 * second one (L3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId } from "../../core/discord/ids.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** Problems of models that the owners of an account know. */
export interface ModelProblems {
  /** The problems since a model has last answered. */
  toldProblems(accountId: AccountId): Promise<readonly string[]>;
  /**
   * Notes that the owners know a problem.
   *
   * @param problem Kind of failure and model.
   * @param now Unix time in milliseconds.
   */
  noteProblem(accountId: AccountId, problem: string, now: number): Promise<void>;
  /** Forgets them, because a model has answered. */
  forgetProblems(accountId: AccountId): Promise<void>;
}

/**
 * Creates the storage.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createModelProblems(
  database: DatabaseSync,
  { commit, read }: Transactions,
): ModelProblems {
  const select = database.prepare("SELECT problem FROM told_problem WHERE account_id = ?");
  const insert = database.prepare(
    `INSERT INTO told_problem (account_id, problem, told_at) VALUES (?, ?, ?)
     ON CONFLICT (account_id, problem) DO UPDATE SET told_at = excluded.told_at`,
  );
  const forget = database.prepare("DELETE FROM told_problem WHERE account_id = ?");
  return {
    toldProblems: (accountId) =>
      read(() => select.all(accountId).map((row) => String(row["problem"]))),
    noteProblem: (accountId, problem, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => void insert.run(accountId, problem, now)),
    forgetProblems: (accountId) => commit(COMMIT_OPTIONS.BY_HAND, () => void forget.run(accountId)),
  };
}
