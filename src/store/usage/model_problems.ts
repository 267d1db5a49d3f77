/**
 * Stores the problems of models about which the owners got a notice, so that a restart sends no
 * second one (L3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { ModelProblems } from "../../core/store/usage.ts";

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
