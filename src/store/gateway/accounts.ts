/**
 * Loads the data that a start needs of an account: the bot's identity, the gateway's URL, the
 * IDENTIFY limit, the sessions that may be resumed, and snapshots of guilds.
 *
 * Columns that are set together are read together. One of them is checked, and the others must then
 * be there.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column, SELDOM_READ } from "../schema/columns.ts";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import type { GuildSnapshot, Self } from "../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";
import type {
  AccountRows,
  DiscordAnswers,
  GuildRows,
  StoredAccount,
  StoredSession,
  StoredShard,
} from "../../core/store/gateway.ts";
import { UNNAMED } from "../database/durability.ts";

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
  hasHole: (row.has_hole === 1) || undefined,
}));

const gapSchema = z
  .object({ catch_up_from: column.number, lost_at: column.number })
  .transform((row) => ({ catchUpFrom: row.catch_up_from, lostAt: row.lost_at }));

/** A row as SQLite gives it; `undefined` if there is none. */
export type Row = Readonly<Record<string, unknown>> | undefined;

/** Creates the reader of accounts. */
export function createAccounts(database: DatabaseSync, { read }: Transactions): AccountRows {
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
    self: isSet(row["user_id"]) ? selfSchema.parse(row, SELDOM_READ) : undefined,
    gateway: isSet(row["gateway_url"]) ? gatewaySchema.parse(row, SELDOM_READ) : undefined,
    shardCount: shardCount ?? undefined,
    intents: intents ?? undefined,
    limit,
    flags: isSet(row["flags"]) ? flagsSchema.parse(row, SELDOM_READ) : undefined,
    ownerId: isSet(row["owner_id"]) ? ownerSchema.parse(row, SELDOM_READ).owner_id : undefined,
    readyAt: readyAt ?? undefined,
  };
}

function toShard(row: Record<string, unknown>): StoredShard {
  const { shard_id, stored_up_to, alive_at } = shardSchema.parse(row, SELDOM_READ);
  return {
    shardId: shard_id,
    session: isSet(row["session_id"]) ? sessionSchema.parse(row, SELDOM_READ) : undefined,
    ...(isSet(row["catch_up_from"]) && gapSchema.parse(row, SELDOM_READ)),
    storedUpTo: stored_up_to,
    aliveAt: alive_at,
  };
}

function isSet(column: unknown): boolean {
  return column !== undefined && column !== null;
}

/** Keeps a snapshot, or removes it if it has no text. Runs within a transaction of the caller's. */
export type KeepGuild = (accountId: AccountId, snapshot: GuildSnapshot) => void;

/** Prepares the statements for snapshots. */
export function prepareKeepGuild(database: DatabaseSync): KeepGuild {
  const upsert = database.prepare(
    `INSERT INTO guild (account_id, guild_id, snapshot) VALUES (?, ?, ?)
     ON CONFLICT (account_id, guild_id) DO UPDATE SET snapshot = excluded.snapshot`,
  );
  const remove = database.prepare("DELETE FROM guild WHERE account_id = ? AND guild_id = ?");
  return (accountId, { guildId, text }) => {
    if (text === undefined) remove.run(accountId, guildId);
    else upsert.run(accountId, guildId, text);
  };
}

const rowSchema = z
  .object({ guild_id: snowflakeSchema<"guild">(), snapshot: column.text })
  .transform((row): GuildSnapshot => ({ guildId: row.guild_id, text: row.snapshot }));

/**
 * Reads snapshots of guilds (names, channels, roles), so that a resumed bot knows them before
 * Discord sends them again. Only `discord/gateway/` reads their text.
 */
export function createGuilds(database: DatabaseSync, { read }: Transactions): GuildRows {
  const select = database.prepare("SELECT guild_id, snapshot FROM guild WHERE account_id = ?");
  return {
    guildsOf: (accountId) =>
      read(() => select.all(accountId).map((row) => rowSchema.parse(row, SELDOM_READ))),
  };
}

/**
 * Stores answers of Discord that hold for a while: the gateway's URL, the IDENTIFY limit, and the
 * application's flags and owner.
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
