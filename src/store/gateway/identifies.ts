/**
 * The budget of IDENTIFYs on disk: each is recorded before it is allowed, so no
 * crash loop can spend more than there are (G5).
 *
 * What follows from the record is decided in `core/discord/identify_budget.ts`.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { DAY_MS } from "../../core/discord/day.ts";
import {
  askIdentify,
  type IdentifyAnswer,
  type IdentifyBudget,
  identifyBudget,
  type IdentifyRecord,
} from "../../core/discord/identify_budget.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { toLimit } from "./accounts.ts";
import { TERMS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** `now` is Unix time in milliseconds throughout. */
export interface Identifies {
  /** Allows a shard one IDENTIFY, on the disk before this resolves, or says how long to wait. */
  takeIdentify(accountId: AccountId, shardId: number, now: number): Promise<IdentifyAnswer>;
  identifyBudget(accountId: AccountId, now: number): Promise<IdentifyBudget>;
  /** How long {@link takeIdentify} would have the shard wait, in milliseconds; takes nothing. */
  identifyInMs(accountId: AccountId, shardId: number, now: number): Promise<number>;
}

/**
 * How many are kept, at least, however old: more than can count in a day. Were they to go by their
 * age, a clock that runs ahead for a minute would forget the day.
 */
const KEPT = 1_000;

const identifySchema = z
  .object({ shard_id: z.number(), at: z.number() })
  .transform((row) => ({ shardId: row.shard_id, at: row.at }));

/** @param database Open, migrated, and owned by the caller. */
export function createIdentifies(
  database: DatabaseSync,
  { commit, read }: Transactions,
): Identifies {
  const selectAccount = database.prepare("SELECT * FROM account WHERE account_id = ?");
  const select = database.prepare(
    "SELECT shard_id, at FROM identify WHERE account_id = ? AND at > ? ORDER BY at, id",
  );
  const insert = database.prepare(
    "INSERT INTO identify (account_id, shard_id, at) VALUES (?, ?, ?)",
  );
  // After a clock was set back, what lies ahead of it happened before now; where it stayed as it
  // is, it would count until the clock has come there again.
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
    const identifies = select.all(accountId, now - DAY_MS).map((row) => identifySchema.parse(row));
    return { identifies, ...(limit && { limit }) };
  }

  function take(accountId: AccountId, shardId: number, now: number): IdentifyAnswer {
    moveIdentifies.run({ accountId, now });
    moveLimit.run({ accountId, now });
    const record = recordOf(accountId, now);
    const answer = askIdentify(record, shardId, now);
    if (answer.kind === "granted") {
      insert.run(accountId, shardId, now);
      prune.run({ accountId, kept: Math.max(KEPT, record.limit?.total ?? 0) });
    }
    return answer;
  }

  return {
    takeIdentify: (accountId, shardId, now) =>
      commit(TERMS.IDENTIFY, () => take(accountId, shardId, now)),
    identifyBudget: (accountId, now) => read(() => identifyBudget(recordOf(accountId, now), now)),
    identifyInMs: (accountId, shardId, now) =>
      read(() => {
        const answer = askIdentify(recordOf(accountId, now), shardId, now);
        return answer.kind === "granted" ? 0 : answer.untilMs - now;
      }),
  };
}
