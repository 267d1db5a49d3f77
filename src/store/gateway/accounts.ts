/**
 * Loads the data that a start needs of an account: the bot's identity, the gateway's URL, the
 * IDENTIFY limit, the sessions that may be resumed, and snapshots of guilds.
 *
 * Columns that are set together are read together. One of them is checked, and the others must then
 * be there.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  askIdentify,
  type GatewayInfo,
  type IdentifyAnswer,
  type IdentifyBudget,
  identifyBudget,
  type IdentifyRecord,
  type SessionStartLimit,
} from "../../core/discord/gateway.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { GatewaySession, GuildSnapshot, Self } from "../../core/inbound/inbound.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS, statementsOf, UNNAMED } from "../database/commits.ts";
import type { Transactions } from "../database/commits.ts";
import {
  ACCOUNT,
  APPLICATION_OWNER,
  GATEWAY_SESSION,
  GUILD,
  IDENTIFIES_MAX,
  IDENTIFY,
} from "../schema/bot.ts";
import { flag, integer, type RowReader, rows, snowflake, text } from "../schema/columns.ts";

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
  /** The owner and the whole team; absent: unknown. */
  readonly ownerIds?: readonly UserId[];
  /**
   * When a session last proved alive, in any run, to the minute. The proof is a dispatch, which
   * comes only after a READY or a RESUMED.
   */
  readonly readyAt?: number;
}

/** One shard of an account. Times are Unix time in milliseconds. */
export interface StoredShard {
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
  readonly aliveAt: number;
}

/** A gateway session as it is stored. Times are Unix time in milliseconds. */
export interface StoredSession extends GatewaySession {
  readonly startedAt: number;
  readonly aliveAt: number;
}

export interface ApplicationAnswer {
  /** Flags (bits), which include the granted privileged intents. */
  readonly flags: number;
  /** The application's owner; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team; absent: unknown. */
  readonly ownerIds?: readonly UserId[];
}

export interface LiveShard {
  readonly shardId: number;
  /** Unix time in milliseconds of the newest sign of life. */
  readonly heardAt: number;
}

const ID = ACCOUNT.pick("accountId");
const OWNER = APPLICATION_OWNER.pick("userId");
const COUNTS = ACCOUNT.pick("shardCount", "intents", "readyAt", "ownerId");
const SELF = rows({
  userId: snowflake<"user">(),
  applicationId: snowflake<"application">(),
  username: text(),
});
const GATEWAY_URL = rows({ gatewayUrl: text(), gatewayUrlAt: integer() });
const LIMIT = rows({
  recommendedShards: integer(),
  limitTotal: integer(),
  limitRemaining: integer(),
  limitResetAfterMs: integer(),
  limitMaxConcurrency: integer(),
  limitReadAt: integer(),
});
const FLAGS = rows({ flags: integer(), flagsAt: integer() });
const SHARD = GATEWAY_SESSION.pick("shardId", "storedUpTo", "aliveAt");
const SESSION = rows({
  sessionId: text(),
  resumeUrl: text(),
  seq: integer(),
  startedAt: integer(),
  aliveAt: integer(),
  hasHole: flag(),
});
const GAP = rows({ catchUpFrom: integer(), lostAt: integer() });

/** A row as SQLite gives it; `undefined` if there is none. */
type AccountRow = Readonly<Record<string, unknown>> | undefined;

export function createAccounts({ sql, read }: Transactions) {
  const selectAccount = sql`SELECT * FROM account WHERE account_id = ?`;
  const selectShards = sql.rows(toShard)`
    SELECT * FROM gateway_session WHERE account_id = ? ORDER BY shard_id`;
  const selectOwners = sql.rows(OWNER.read)`
    SELECT user_id FROM application_owner WHERE account_id = ?`;
  function ownersOf(accountId: AccountId): { readonly ownerIds?: readonly UserId[] } {
    const ownerIds = selectOwners.all(accountId).map(({ userId }) => userId);
    return ownerIds.length > 0 ? { ownerIds } : {};
  }
  // Health checks call this. The index leads from each account of the outbox to the next one, so no
  // row of the outbox is read.
  const selectIds = sql.rows(ID.read)`WITH RECURSIVE sender (account_id) AS (
       SELECT MIN(account_id) FROM outbox
       UNION ALL
       SELECT (SELECT MIN(o.account_id) FROM outbox AS o WHERE o.account_id > s.account_id)
       FROM sender AS s WHERE s.account_id IS NOT NULL
     )
     SELECT account_id FROM account
     UNION
     SELECT account_id FROM sender WHERE account_id IS NOT NULL
     ORDER BY account_id`;
  return {
    loadAccount: (accountId: AccountId): Promise<StoredAccount> =>
      read(() => ({
        ...toAccount(selectAccount.get(accountId)),
        shards: selectShards.all(accountId),
        ...ownersOf(accountId),
      })),
    /**
     * All accounts that ever connected or have messages to send, including accounts that the config
     * no longer has.
     */
    accountIds: (): Promise<readonly AccountId[]> =>
      read(() => selectIds.all().map(({ accountId }) => accountId)),
  };
}

/** Reads the IDENTIFY limit from a row of `account`; `undefined` if Discord never named it. */
function toLimit(row: AccountRow): StoredAccount["limit"] {
  const limit = readIfSet(LIMIT, row, "limit_total");
  return limit && {
    shards: limit.recommendedShards,
    total: limit.limitTotal,
    remaining: limit.limitRemaining,
    resetAfterMs: limit.limitResetAfterMs,
    maxConcurrency: limit.limitMaxConcurrency,
    readAt: limit.limitReadAt,
  };
}

function toAccount(row: AccountRow): Omit<StoredAccount, "shards" | "ownerIds"> {
  if (!row) return {};
  const gateway = readIfSet(GATEWAY_URL, row, "gateway_url");
  const flags = readIfSet(FLAGS, row, "flags");
  return {
    ...COUNTS.read(row),
    self: readIfSet(SELF, row, "user_id"),
    gateway: gateway && { url: gateway.gatewayUrl, at: gateway.gatewayUrlAt },
    limit: toLimit(row),
    flags: flags && { bits: flags.flags, at: flags.flagsAt },
  };
}

function toShard(row: unknown): StoredShard {
  const session = readIfSet(SESSION, row, "session_id");
  return {
    ...SHARD.read(row),
    session: session && { ...session, hasHole: session.hasHole || undefined },
    ...readIfSet(GAP, row, "catch_up_from"),
  };
}

/** Reads columns that are set together, if one of them is set. */
function readIfSet<Read>(reader: RowReader<Read>, row: unknown, column: string): Read | undefined {
  return (Object(row)[column] ?? undefined) === undefined ? undefined : reader.read(row);
}

/** Keeps a snapshot, or removes it if it has no text. Runs within a transaction of the caller's. */
export function prepareKeepGuild(
  database: DatabaseSync,
): (accountId: AccountId, snapshot: GuildSnapshot) => void {
  const sql = statementsOf(database);
  const upsert = GUILD.prepareInsert(
    database,
    "ON CONFLICT (account_id, guild_id) DO UPDATE SET snapshot = excluded.snapshot",
  );
  const remove = sql`DELETE FROM guild WHERE account_id = ? AND guild_id = ?`;
  return (accountId, { guildId, text }) => {
    if (text === undefined) remove.run(accountId, guildId);
    else upsert({ accountId, guildId, snapshot: text });
  };
}

const SNAPSHOT = GUILD.pick("guildId", "snapshot");

/**
 * Reads snapshots of guilds (names, channels, roles), so that a resumed bot knows them before
 * Discord sends them again. Only `discord/gateway/` reads their text.
 */
export function createGuilds({ sql, read }: Transactions) {
  const select = sql`SELECT * FROM guild WHERE account_id = ?`;
  return {
    guildsOf: (accountId: AccountId): Promise<readonly GuildSnapshot[]> =>
      read(() =>
        select.all(accountId).map((row) => {
          const { guildId, snapshot: text } = SNAPSHOT.read(row);
          return { guildId, text };
        })
      ),
  };
}

/**
 * Stores answers of Discord that hold for a while: the gateway's URL, the IDENTIFY limit, and the
 * application's flags and owner.
 */
export function createDiscordAnswers({ database, sql, commit }: Transactions) {
  const saveGateway = sql`INSERT INTO account (
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
       limit_read_at = excluded.limit_read_at`;
  const saveApplication = sql`
    INSERT INTO account (account_id, flags, flags_at, owner_id) VALUES (?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET
      flags = excluded.flags,
      flags_at = excluded.flags_at,
      owner_id = excluded.owner_id`;
  const removeOwners = sql`DELETE FROM application_owner WHERE account_id = ?`;
  const insertOwner = APPLICATION_OWNER.prepareInsert(database, "ON CONFLICT DO NOTHING");

  function setOwners(accountId: AccountId, ownerIds: readonly UserId[]): void {
    removeOwners.run(accountId);
    for (const userId of ownerIds) insertOwner({ accountId, userId });
  }

  return {
    saveGateway: (accountId: AccountId, { url, shards, limit }: GatewayInfo, now: number) =>
      commit(UNNAMED, () => {
        const { total, remaining, resetAfterMs, maxConcurrency, readAt } = limit;
        const limits = { total, remaining, resetAfterMs, maxConcurrency, readAt };
        saveGateway.run({ accountId, url, now, shards, ...limits });
      }),
    /** Saves the application's flags, owner and team. */
    saveApplication: (
      accountId: AccountId,
      { flags, ownerId, ownerIds = [] }: ApplicationAnswer,
      now: number,
    ) =>
      commit(UNNAMED, () => {
        saveApplication.run(accountId, flags, now, ownerId ?? null);
        setOwners(accountId, ownerIds);
      }),
    /** Saves the application's owner and whole team. */
    saveOwners: (accountId: AccountId, ownerIds: readonly UserId[]) =>
      commit(UNNAMED, () => setOwners(accountId, ownerIds)),
  };
}

const STORED = IDENTIFY.pick("shardId", "at");

/**
 * Stores the budget of IDENTIFYs. Each IDENTIFY is recorded before it is allowed, so no crash loop
 * can exceed the limit (G5).
 *
 * `core/discord/gateway.ts` decides by the record.
 *
 * The first IDENTIFY of a shard also stores its moment as the shard's beginning. Discord may begin a
 * session and send it messages, and this process may die before it stores any of that. The next
 * IDENTIFY then opens a gap that begins there (G6).
 */
export function createIdentifies({ database, sql, commit, read }: Transactions) {
  const selectAccount = sql`SELECT * FROM account WHERE account_id = ?`;
  const select = sql`
    SELECT shard_id, at FROM identify WHERE account_id = ? AND at > ? ORDER BY at, id`;
  const insert = IDENTIFY.prepareInsert(database);
  // A row without a session and without a gap is the beginning of a shard.
  const begin = sql`INSERT INTO gateway_session (account_id, shard_id, alive_at, stored_up_to)
     VALUES (:accountId, :shardId, :now, :now)
     ON CONFLICT (account_id, shard_id) DO UPDATE
     SET catch_up_from = stored_up_to, lost_at = :now
     WHERE session_id IS NULL AND catch_up_from IS NULL`;
  const forgetRefused = sql`DELETE FROM gateway_session
     WHERE account_id = :accountId AND session_id IS NULL AND NOT EXISTS (
       SELECT 1 FROM account WHERE account_id = :accountId AND user_id IS NOT NULL
     )`;
  // After the clock was set back, some records have times in the future. They are moved to now, or
  // they would count until the clock reaches these times again.
  const moveIdentifies = sql`
    UPDATE identify SET at = :now WHERE account_id = :accountId AND at > :now`;
  const moveLimit = sql`UPDATE account SET limit_read_at = :now
     WHERE account_id = :accountId AND limit_read_at > :now`;
  const prune = sql`DELETE FROM identify WHERE account_id = :accountId AND id <= (
       SELECT id FROM identify WHERE account_id = :accountId ORDER BY id DESC LIMIT 1 OFFSET :kept
     )`;

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
    /**
     * Allows a shard one IDENTIFY, which is on the disk before this resolves, or tells how long to
     * wait. If no session was stored after the shard's first IDENTIFY, a gap opens from there.
     */
    takeIdentify: (accountId: AccountId, shardId: number, now: number): Promise<IdentifyAnswer> =>
      commit(COMMIT_OPTIONS.IDENTIFY, () => take(accountId, shardId, now)),
    /**
     * Forgets the beginnings of shards whose IDENTIFY Discord has refused for good. An account that
     * ever had a session keeps its gaps.
     */
    forgetRefused: (accountId: AccountId): Promise<void> =>
      commit(UNNAMED, () => void forgetRefused.run({ accountId })),
    /** Reads the number of IDENTIFYs left, and until when none is allowed. */
    identifyBudget: (accountId: AccountId, now: number): Promise<IdentifyBudget> =>
      read(() => identifyBudget(recordOf(accountId, now), now)),
    /**
     * Milliseconds that {@link takeIdentify} would make the shard wait; 0 if none. Takes no IDENTIFY.
     */
    identifyInMs: (accountId: AccountId, shardId: number, now: number) =>
      read(() => {
        const answer = askIdentify(recordOf(accountId, now), shardId, now);
        return answer.kind === "granted" ? 0 : answer.untilMs - now;
      }),
  };
}
