/**
 * What a start must know of an account: who we are, where the gateway is, how
 * often we may identify there, and the sessions that may be resumed.
 *
 * Columns that are set together are read together: one of them is looked at, and
 * the others must be there.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { SessionStartLimit } from "../../core/discord/identify_budget.ts";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import type { GatewaySession, Self } from "../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";

/** All of it absent, and no shard, before the account's first start. Times are Unix time in ms. */
export interface StoredAccount {
  readonly self?: Self;
  /** As Discord named it last. */
  readonly gateway?: { readonly url: string; readonly at: number };
  /** As it was connected last; `limit.shards` is what Discord recommends. */
  readonly shardCount?: number;
  /** With which the sessions were begun; a RESUME keeps them. */
  readonly intents?: number;
  /** Those that have ever begun a session or have a gap, by their number. */
  readonly shards: readonly StoredShard[];
  /** As Discord said last; `shards` is how many it recommends. */
  readonly limit?: SessionStartLimit & { readonly shards: number };
  /** Of the application, as they were read last. */
  readonly flags?: { readonly bits: number; readonly at: number };
  /**
   * When a session was last seen to live, in any run: a dispatch came, as they do only after a
   * READY or a RESUMED. To the minute.
   */
  readonly readyAt?: number;
}

/** One shard of an account. Times are Unix time in milliseconds. */
export interface StoredShard {
  readonly shardId: number;
  readonly session?: StoredSession;
  /**
   * Set while what was missed is still to be fetched: when the newest message was sent that was
   * stored before the gap.
   */
  readonly catchUpFrom?: number;
  /**
   * Set with `catchUpFrom`: when the newest loss was discovered, as another session began than the
   * one before. A gap may begin long before that, and have been made larger by it.
   */
  readonly lostAt?: number;
  /** When the newest message was sent that is stored. */
  readonly storedUpTo: number;
  /** When the gateway was last heard by it. */
  readonly aliveAt: number;
}

/** Times are Unix time in milliseconds. */
export interface StoredSession extends GatewaySession {
  readonly startedAt: number;
  /** When the gateway was last heard in it. */
  readonly aliveAt: number;
}

export interface Accounts {
  loadAccount(accountId: AccountId): Promise<StoredAccount>;
  /** Every account that ever connected, or has messages to send: also what the config forgot. */
  accountIds(): Promise<readonly AccountId[]>;
}

const idSchema = z.object({ account_id: z.string().transform(toAccountId) });

const selfSchema = z.object({
  user_id: snowflakeSchema<"user">(),
  application_id: snowflakeSchema<"application">(),
  username: z.string(),
}).transform((row): Self => ({
  userId: row.user_id,
  applicationId: row.application_id,
  username: row.username,
}));

const gatewaySchema = z
  .object({ gateway_url: z.string(), gateway_url_at: z.number() })
  .transform((row) => ({ url: row.gateway_url, at: row.gateway_url_at }));

const limitSchema = z.object({
  recommended_shards: z.number(),
  limit_total: z.number(),
  limit_remaining: z.number(),
  limit_reset_after_ms: z.number(),
  limit_max_concurrency: z.number(),
  limit_read_at: z.number(),
}).transform((row) => ({
  shards: row.recommended_shards,
  total: row.limit_total,
  remaining: row.limit_remaining,
  resetAfterMs: row.limit_reset_after_ms,
  maxConcurrency: row.limit_max_concurrency,
  readAt: row.limit_read_at,
}));

const flagsSchema = z
  .object({ flags: z.number(), flags_at: z.number() })
  .transform((row) => ({ bits: row.flags, at: row.flags_at }));

const countsSchema = z.object({
  shard_count: z.number().nullable(),
  intents: z.number().nullable(),
  ready_at: z.number().nullable(),
});

const shardSchema = z.object({
  shard_id: z.number(),
  stored_up_to: z.number(),
  alive_at: z.number(),
});

const sessionSchema = z.object({
  session_id: z.string(),
  resume_url: z.string(),
  seq: z.number(),
  started_at: z.number(),
  alive_at: z.number(),
  has_hole: z.number(),
}).transform((row): StoredSession => ({
  sessionId: row.session_id,
  resumeUrl: row.resume_url,
  seq: row.seq,
  startedAt: row.started_at,
  aliveAt: row.alive_at,
  ...(row.has_hole === 1 && { hasHole: true }),
}));

const gapSchema = z
  .object({ catch_up_from: z.number(), lost_at: z.number() })
  .transform((row) => ({ catchUpFrom: row.catch_up_from, lostAt: row.lost_at }));

type Row = Readonly<Record<string, unknown>> | undefined;

/** @param database Open, migrated, and owned by the caller. */
export function createAccounts(database: DatabaseSync, { read }: Transactions): Accounts {
  const selectAccount = database.prepare("SELECT * FROM account WHERE account_id = ?");
  const selectShards = database.prepare(
    "SELECT * FROM gateway_session WHERE account_id = ? ORDER BY shard_id",
  );
  // Health asks for this. The index leads from each account of the outbox to the next one, so its
  // rows are not read.
  const selectIds = database.prepare(
    `WITH RECURSIVE sender (account_id) AS (
       SELECT MIN(account_id) FROM outbox
       UNION ALL
       SELECT (SELECT MIN(o.account_id) FROM outbox AS o WHERE o.account_id > s.account_id)
       FROM sender AS s WHERE s.account_id IS NOT NULL
     )
     SELECT account_id FROM account
     UNION
     SELECT account_id FROM sender WHERE account_id IS NOT NULL
     ORDER BY account_id`,
  );
  return {
    loadAccount: (accountId) =>
      read(() => ({
        ...toAccount(selectAccount.get(accountId)),
        shards: selectShards.all(accountId).map(toShard),
      })),
    accountIds: () => read(() => selectIds.all().map((row) => idSchema.parse(row).account_id)),
  };
}

/** What Discord said last of the limit, of a row of `account`. */
export function toLimit(row: Row): StoredAccount["limit"] {
  return isSet(row?.["limit_total"]) ? limitSchema.parse(row) : undefined;
}

function toAccount(row: Row): Omit<StoredAccount, "shards"> {
  if (!row) return {};
  const { shard_count: shardCount, intents, ready_at: readyAt } = countsSchema.parse(row);
  const limit = toLimit(row);
  return {
    ...(isSet(row["user_id"]) && { self: selfSchema.parse(row) }),
    ...(isSet(row["gateway_url"]) && { gateway: gatewaySchema.parse(row) }),
    ...(shardCount !== null && { shardCount }),
    ...(intents !== null && { intents }),
    ...(limit && { limit }),
    ...(isSet(row["flags"]) && { flags: flagsSchema.parse(row) }),
    ...(readyAt !== null && { readyAt }),
  };
}

function toShard(row: Record<string, unknown>): StoredShard {
  const { shard_id, stored_up_to, alive_at } = shardSchema.parse(row);
  return {
    shardId: shard_id,
    ...(isSet(row["session_id"]) && { session: sessionSchema.parse(row) }),
    ...(isSet(row["catch_up_from"]) && gapSchema.parse(row)),
    storedUpTo: stored_up_to,
    aliveAt: alive_at,
  };
}

function isSet(column: unknown): boolean {
  return column !== undefined && column !== null;
}
