/**
 * Stores the budget of IDENTIFYs. Each IDENTIFY is recorded before it is allowed, so no crash loop
 * can exceed the limit (G5).
 *
 * `core/discord/identify_budget.ts` decides by the record.
 *
 * The first IDENTIFY of a shard also stores its moment as the shard's beginning. Discord may begin a
 * session and send it messages, and this process may die before it stores any of that. The next
 * IDENTIFY then opens a gap that begins there (G6).
 */

import type { DatabaseSync } from "node:sqlite";
import { IDENTIFY } from "../schema/gateway.ts";
import { DAY_MS } from "../../lib/clock.ts";
import {
  askIdentify,
  type IdentifyAnswer,
  identifyBudget,
  type IdentifyRecord,
} from "../../core/discord/identify_budget.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { toLimit } from "./accounts.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Identifies } from "../../core/store/gateway.ts";

/**
 * Number of IDENTIFYs to keep, at least, regardless of their age: more than can count in a day.
 * Deletion by age would forget the whole day if the clock runs ahead for a minute.
 */
export const IDENTIFIES_MAX = 1_000;

const STORED = IDENTIFY.pick("shardId", "at");

/** Creates the storage of IDENTIFYs. */
export function createIdentifies(
  database: DatabaseSync,
  { commit, read }: Transactions,
): Identifies {
  const selectAccount = database.prepare("SELECT * FROM account WHERE account_id = ?");
  const select = database.prepare(
    "SELECT shard_id, at FROM identify WHERE account_id = ? AND at > ? ORDER BY at, id",
  );
  const insert = IDENTIFY.prepareInsert(database);
  // A row without a session and without a gap is the beginning of a shard.
  const begin = database.prepare(
    `INSERT INTO gateway_session (account_id, shard_id, alive_at, stored_up_to)
     VALUES (:accountId, :shardId, :now, :now)
     ON CONFLICT (account_id, shard_id) DO UPDATE
     SET catch_up_from = stored_up_to, lost_at = :now
     WHERE session_id IS NULL AND catch_up_from IS NULL`,
  );
  const forgetRefused = database.prepare(
    `DELETE FROM gateway_session
     WHERE account_id = :accountId AND session_id IS NULL AND NOT EXISTS (
       SELECT 1 FROM account WHERE account_id = :accountId AND user_id IS NOT NULL
     )`,
  );
  // After the clock was set back, some records have times in the future. They are moved to now, or
  // they would count until the clock reaches these times again.
  const moveIdentifies = database.prepare(
    "UPDATE identify SET at = :now WHERE account_id = :accountId AND at > :now",
  );
  const moveLimit = database.prepare(
    `UPDATE account SET limit_read_at = :now
     WHERE account_id = :accountId AND limit_read_at > :now`,
  );
  const prune = database.prepare(
    `DELETE FROM identify WHERE account_id = :accountId AND id <= (
       SELECT id FROM identify WHERE account_id = :accountId ORDER BY id DESC LIMIT 1 OFFSET :kept
     )`,
  );

  function recordOf(accountId: AccountId, now: number): IdentifyRecord {
    const limit = toLimit(selectAccount.get(accountId));
    const identifies = select.all(accountId, now - DAY_MS).map(STORED.read);
    return { identifies, limit };
  }

  function take(accountId: AccountId, shardId: number, now: number): IdentifyAnswer {
    moveIdentifies.run({ accountId, now });
    moveLimit.run({ accountId, now });
    const record = recordOf(accountId, now);
    const answer = askIdentify(record, shardId, now);
    if (answer.kind === "granted") {
      insert({ accountId, shardId, at: now });
      begin.run({ accountId, shardId, now });
      prune.run({ accountId, kept: Math.max(IDENTIFIES_MAX, record.limit?.total ?? 0) });
    }
    return answer;
  }

  return {
    takeIdentify: (accountId, shardId, now) =>
      commit(COMMIT_OPTIONS.IDENTIFY, () => take(accountId, shardId, now)),
    forgetRefused: (accountId) => commit(UNNAMED, () => void forgetRefused.run({ accountId })),
    identifyBudget: (accountId, now) => read(() => identifyBudget(recordOf(accountId, now), now)),
    identifyInMs: (accountId, shardId, now) =>
      read(() => {
        const answer = askIdentify(recordOf(accountId, now), shardId, now);
        return answer.kind === "granted" ? 0 : answer.untilMs - now;
      }),
  };
}
