/**
 * Loads the data that a start needs of an account: the bot's identity, the gateway's URL, the
 * IDENTIFY limit, and the sessions that may be resumed.
 *
 * Columns that are set together are read together. One of them is checked, and the others must then
 * be there.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column, SELDOM_READ } from "../database/columns.ts";
import type { SessionStartLimit } from "../../core/discord/identify_budget.ts";
import { type AccountId, toAccountId, type UserId } from "../../core/discord/ids.ts";
import type { GatewaySession, Self } from "../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";

/**
 * Stored data of an account. Before its first start all of it is absent, and there is no shard.
 * Times are Unix time in milliseconds.
 */
export interface StoredAccount {
  /** The bot's identity, from the newest READY. */
  readonly self?: Self;
  /** The gateway's URL, and when Discord named it last. */
  readonly gateway?: { readonly url: string; readonly at: number };
  /** Number of shards of the newest connection; `limit.shards` is Discord's recommendation. */
  readonly shardCount?: number;
  /** Intents (bits) of the stored sessions; RESUME keeps them. */
  readonly intents?: number;
  /** Shards that have ever asked for a session or have a gap, by their number. */
  readonly shards: readonly StoredShard[];
  /** Discord's newest answer about the IDENTIFY limit; `shards` is the recommended number. */
  readonly limit?: SessionStartLimit & { readonly shards: number };
  /** Flags (bits) of the application, and when they were read last. */
  readonly flags?: { readonly bits: number; readonly at: number };
  /** The application's owner; absent if Discord names none. */
  readonly ownerId?: UserId;
  /**
   * When a session last proved alive, in any run, to the minute. The proof is a dispatch, which
   * comes only after a READY or a RESUMED.
   */
  readonly readyAt?: number;
}

/** One shard of an account. Times are Unix time in milliseconds. */
export interface StoredShard {
  /** Number of the shard, from 0. */
  readonly shardId: number;
  /** The newest session; absent if the shard has none. */
  readonly session?: StoredSession;
  /**
   * When the newest message before the gap was sent. Set while catch-up must still read the missed
   * messages.
   */
  readonly catchUpFrom?: number;
  /**
   * When the newest loss was discovered, as another session began than the one before. Set with
   * `catchUpFrom`. A gap may begin long before that, and the loss may have made it larger.
   */
  readonly lostAt?: number;
  /** When the newest stored message was sent. */
  readonly storedUpTo: number;
  /** When the shard last heard from the gateway. */
  readonly aliveAt: number;
}

/** A gateway session as it is stored. Times are Unix time in milliseconds. */
export interface StoredSession extends GatewaySession {
  /** When Discord began the session. */
  readonly startedAt: number;
  /** When the session last heard from the gateway. */
  readonly aliveAt: number;
}

/** Reads accounts. */
export interface Accounts {
  /** Reads all stored data of an account. */
  loadAccount(accountId: AccountId): Promise<StoredAccount>;
  /**
   * All accounts that ever connected or have messages to send, including accounts that the config
   * no longer has.
   */
  accountIds(): Promise<readonly AccountId[]>;
}

const idSchema = z.object({ account_id: z.string().transform(toAccountId) });

const selfSchema = z.object({
  user_id: snowflakeSchema<"user">(),
  application_id: snowflakeSchema<"application">(),
  username: column.text,
}).transform((row): Self => ({
  userId: row.user_id,
  applicationId: row.application_id,
  username: row.username,
}));

const gatewaySchema = z
  .object({ gateway_url: column.text, gateway_url_at: column.number })
  .transform((row) => ({ url: row.gateway_url, at: row.gateway_url_at }));

const limitSchema = z.object({
  recommended_shards: column.number,
  limit_total: column.number,
  limit_remaining: column.number,
  limit_reset_after_ms: column.number,
  limit_max_concurrency: column.number,
  limit_read_at: column.number,
}).transform((row) => ({
  shards: row.recommended_shards,
  total: row.limit_total,
  remaining: row.limit_remaining,
  resetAfterMs: row.limit_reset_after_ms,
  maxConcurrency: row.limit_max_concurrency,
  readAt: row.limit_read_at,
}));

const flagsSchema = z
  .object({ flags: column.number, flags_at: column.number })
  .transform((row) => ({ bits: row.flags, at: row.flags_at }));

const ownerSchema = z.object({ owner_id: snowflakeSchema<"user">() });

const countsSchema = z.object({
  shard_count: column.numberOrNull,
  intents: column.numberOrNull,
  ready_at: column.numberOrNull,
});

const shardSchema = z.object({
  shard_id: column.number,
  stored_up_to: column.number,
  alive_at: column.number,
});

const sessionSchema = z.object({
  session_id: column.text,
  resume_url: column.text,
  seq: column.number,
  started_at: column.number,
  alive_at: column.number,
  has_hole: column.number,
}).transform((row): StoredSession => ({
  sessionId: row.session_id,
  resumeUrl: row.resume_url,
  seq: row.seq,
  startedAt: row.started_at,
  aliveAt: row.alive_at,
  ...(row.has_hole === 1 && { hasHole: true }),
}));

const gapSchema = z
  .object({ catch_up_from: column.number, lost_at: column.number })
  .transform((row) => ({ catchUpFrom: row.catch_up_from, lostAt: row.lost_at }));

/** A row as SQLite gives it; `undefined` if there is none. */
export type Row = Readonly<Record<string, unknown>> | undefined;

/**
 * Creates the reader of accounts.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createAccounts(database: DatabaseSync, { read }: Transactions): Accounts {
  const selectAccount = database.prepare("SELECT * FROM account WHERE account_id = ?");
  const selectShards = database.prepare(
    "SELECT * FROM gateway_session WHERE account_id = ? ORDER BY shard_id",
  );
  // Health checks call this. The index leads from each account of the outbox to the next one, so no
  // row of the outbox is read.
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
    accountIds: () =>
      read(() => selectIds.all().map((row) => idSchema.parse(row, SELDOM_READ).account_id)),
  };
}

/** Reads the IDENTIFY limit from a row of `account`; `undefined` if Discord never named it. */
export function toLimit(row: Row): StoredAccount["limit"] {
  return isSet(row?.["limit_total"]) ? limitSchema.parse(row, SELDOM_READ) : undefined;
}

function toAccount(row: Row): Omit<StoredAccount, "shards"> {
  if (!row) return {};
  const { shard_count: shardCount, intents, ready_at: readyAt } = countsSchema.parse(
    row,
    SELDOM_READ,
  );
  const limit = toLimit(row);
  return {
    ...(isSet(row["user_id"]) && { self: selfSchema.parse(row, SELDOM_READ) }),
    ...(isSet(row["gateway_url"]) && { gateway: gatewaySchema.parse(row, SELDOM_READ) }),
    ...(shardCount !== null && { shardCount }),
    ...(intents !== null && { intents }),
    ...(limit && { limit }),
    ...(isSet(row["flags"]) && { flags: flagsSchema.parse(row, SELDOM_READ) }),
    ...(isSet(row["owner_id"]) && { ownerId: ownerSchema.parse(row, SELDOM_READ).owner_id }),
    ...(readyAt !== null && { readyAt }),
  };
}

function toShard(row: Record<string, unknown>): StoredShard {
  const { shard_id, stored_up_to, alive_at } = shardSchema.parse(row, SELDOM_READ);
  return {
    shardId: shard_id,
    ...(isSet(row["session_id"]) && { session: sessionSchema.parse(row, SELDOM_READ) }),
    ...(isSet(row["catch_up_from"]) && gapSchema.parse(row, SELDOM_READ)),
    storedUpTo: stored_up_to,
    aliveAt: alive_at,
  };
}

function isSet(column: unknown): boolean {
  return column !== undefined && column !== null;
}
