/**
 * Stores answers of Discord that hold for a while: the gateway's URL, the IDENTIFY limit, and the
 * application's flags and owner.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { DiscordAnswers } from "../../core/store/gateway.ts";

/**
 * Creates the storage of answers.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createDiscordAnswers(
  database: DatabaseSync,
  { commit }: Transactions,
): DiscordAnswers {
  const saveGateway = database.prepare(
    `INSERT INTO account (
       account_id, gateway_url, gateway_url_at, recommended_shards, limit_total, limit_remaining,
       limit_reset_after_ms, limit_max_concurrency, limit_read_at
     ) VALUES (
       :accountId, :url, :now, :shards, :total, :remaining, :resetAfterMs, :maxConcurrency, :readAt
     )
     ON CONFLICT (account_id) DO UPDATE SET
       gateway_url = excluded.gateway_url,
       gateway_url_at = excluded.gateway_url_at,
       recommended_shards = excluded.recommended_shards,
       limit_total = excluded.limit_total,
       limit_remaining = excluded.limit_remaining,
       limit_reset_after_ms = excluded.limit_reset_after_ms,
       limit_max_concurrency = excluded.limit_max_concurrency,
       limit_read_at = excluded.limit_read_at`,
  );
  const saveApplication = database.prepare(
    `INSERT INTO account (account_id, flags, flags_at, owner_id) VALUES (?, ?, ?, ?)
     ON CONFLICT (account_id) DO UPDATE SET
       flags = excluded.flags,
       flags_at = excluded.flags_at,
       owner_id = excluded.owner_id`,
  );

  return {
    saveGateway: (accountId, { url, shards, limit }, now) =>
      commit(UNNAMED, () => {
        const { total, remaining, resetAfterMs, maxConcurrency, readAt } = limit;
        const limits = { total, remaining, resetAfterMs, maxConcurrency, readAt };
        saveGateway.run({ accountId, url, now, shards, ...limits });
      }),
    saveApplication: (accountId, { flags, ownerId }, now) =>
      commit(UNNAMED, () => {
        saveApplication.run(accountId, flags, now, ownerId ?? null);
      }),
  };
}
