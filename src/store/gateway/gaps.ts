/**
 * Stores the gaps that catch-up must still read. Gaps end here, and survive a change of the number
 * of shards.
 *
 * T0 opens gaps (`sessions.ts`), and so does a hole in a resumed session (`openGap`). The number of
 * shards decides which shard gets the events of a guild. With another number, the sessions of all
 * shards are over. Any new shard may lack messages that any old one has missed.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { LATE_MS } from "./sessions.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Gaps } from "../../core/store/gateway.ts";

const oldestSchema = z.object({
  from: column.number,
  stored_up_to: column.number,
  alive_at: column.number,
});

/**
 * Creates the storage of gaps.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createGaps(database: DatabaseSync, { commit }: Transactions): Gaps {
  const saveCount = database.prepare(
    `INSERT INTO account (account_id, shard_count) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET shard_count = excluded.shard_count`,
  );
  const selectOldest = database.prepare(
    `SELECT MIN(COALESCE(catch_up_from, stored_up_to)) AS "from",
            MIN(stored_up_to) AS stored_up_to, MAX(alive_at) AS alive_at
     FROM gateway_session WHERE account_id = ?
     HAVING COUNT(*) > 0`,
  );
  const forget = database.prepare("DELETE FROM gateway_session WHERE account_id = ?");
  const open = database.prepare(
    `INSERT INTO gateway_session
       (account_id, shard_id, alive_at, stored_up_to, catch_up_from, lost_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  // A missing message may have been sent before the newest stored one, or before the READY arrived.
  // A message that is read twice is recognized by its id.
  const openInSession = database.prepare(
    `UPDATE gateway_session SET
       has_hole = 1,
       catch_up_from = COALESCE(catch_up_from, stored_up_to - ${LATE_MS}), lost_at = ?
     WHERE account_id = ? AND shard_id = ?`,
  );
  const close = database.prepare(
    `UPDATE gateway_session SET catch_up_from = NULL, lost_at = NULL
     WHERE account_id = :accountId AND shard_id = :shardId
       AND session_id IS NOT NULL AND has_hole = 0
       AND catch_up_from = :from AND lost_at = COALESCE(:lostAt, lost_at)`,
  );

  function reshard(accountId: AccountId, shardCount: number, now: number): void {
    saveCount.run(accountId, shardCount);
    const row = selectOldest.get(accountId);
    forget.run(accountId);
    if (!row) return; // no IDENTIFY was ever sent, so no event is missing
    const { from, stored_up_to, alive_at } = oldestSchema.parse(row);
    for (let shardId = 0; shardId < shardCount; shardId++) {
      open.run(accountId, shardId, alive_at, stored_up_to, from, now);
    }
  }

  return {
    reshard: (accountId, shardCount, now) =>
      commit(UNNAMED, () => reshard(accountId, shardCount, now)),
    openGap: (accountId, shardId, now) =>
      commit(UNNAMED, () => {
        openInSession.run(now, accountId, shardId);
      }),
    finishCatchUp: (accountId, shardId, from, lostAt) =>
      commit(UNNAMED, () => {
        close.run({ accountId, shardId, from, lostAt: lostAt ?? null });
      }),
  };
}
