/**
 * What Discord answers that is taken for a while without asking again: where the
 * gateway is and how often we may identify there, and what the application may.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { SessionStartLimit } from "../../core/discord/identify_budget.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** What Discord answers when it is asked for the gateway. */
export interface GatewayAnswer {
  readonly url: string;
  /** How many shards Discord recommends. */
  readonly shards: number;
  readonly limit: SessionStartLimit;
}

/** `loadAccount` tells it again. */
export interface DiscordAnswers {
  /** @param now Unix time in milliseconds. */
  saveGateway(accountId: AccountId, answer: GatewayAnswer, now: number): Promise<void>;
  /**
   * Keeps the application's flags.
   *
   * @param now Unix time in milliseconds.
   */
  saveFlags(accountId: AccountId, bits: number, now: number): Promise<void>;
}

/** @param database Open, migrated, and owned by the caller. */
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
  const saveFlags = database.prepare(
    `INSERT INTO account (account_id, flags, flags_at) VALUES (?, ?, ?)
     ON CONFLICT (account_id) DO UPDATE SET
       flags = excluded.flags,
       flags_at = excluded.flags_at`,
  );

  return {
    saveGateway: (accountId, { url, shards, limit }, now) =>
      commit(UNNAMED, () => {
        const { total, remaining, resetAfterMs, maxConcurrency, readAt } = limit;
        const said = { total, remaining, resetAfterMs, maxConcurrency, readAt };
        saveGateway.run({ accountId, url, now, shards, ...said });
      }),
    saveFlags: (accountId, bits, now) =>
      commit(UNNAMED, () => {
        saveFlags.run(accountId, bits, now);
      }),
  };
}
