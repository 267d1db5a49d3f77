/**
 * `store.gateway`: the accounts with their gateway sessions, gaps, guilds and IDENTIFYs, and the
 * runs of the process.
 *
 * The gap is stored with the session that opened it (T0), not kept in memory. Otherwise, after a
 * crash before catch-up, the next process would resume and never fetch the missed messages. The
 * beginning of the gap is stored with it and stays until the gap closes. Live messages move
 * `stored_up_to` past it, and a second lost session must not move the start of the first.
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
import { COMMIT_OPTIONS, statementsOf, type Transactions, UNNAMED } from "../database/commits.ts";
import type { Memory } from "../memory/memory.ts";
import type { Pruner } from "../store.ts";
import {
  ACCOUNT,
  APPLICATION_OWNER,
  GATEWAY_SESSION,
  GUILD,
  IDENTIFIES_MAX,
  IDENTIFY,
  RUN,
  RUNS_MAX,
} from "../schema/agent.ts";
import { flag, integer, type RowReader, rows, snowflake, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { TABLES } from "../schema/tables.ts";

export function createGateway(
  transactions: Transactions,
  pruner: Pruner,
  memory: Memory,
  elapsed: () => number,
  assertFileUnchanged: () => void,
) {
  return {
    ...createAccounts(transactions),
    ...createDiscordAnswers(transactions),
    ...createGaps(transactions),
    ...createGatewaySessions(transactions, pruner, elapsed, assertFileUnchanged),
    ...createGuilds(transactions),
    ...createIdentifies(transactions),
    ...createRuns(transactions),
    ...createStoreOwner(transactions, memory),
  };
}

/**
 * Stored data of an account. Before its first start all of it is absent.
 * Times are Unix time in milliseconds.
 */
export interface StoredAccount {
  /** The bot's identity, from the newest READY. */
  readonly self?: Self;
  /** The gateway's URL, and when Discord named it last. */
  readonly gateway?: { readonly url: string; readonly at: number };
  /** Intents (bits) of the stored session; RESUME keeps them. */
  readonly intents?: number;
  /** Set from the first IDENTIFY on. */
  readonly connection?: StoredConnection;
  /** Discord's newest answer about the IDENTIFY limit. */
  readonly limit?: SessionStartLimit;
  /** Flags (bits) of the application, and when they were read last. */
  readonly flags?: { readonly bits: number; readonly at: number };
  /** The application's owner; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team; absent: unknown. */
  readonly ownerIds?: readonly UserId[];
}

/** The gateway connection of an account. Times are Unix time in milliseconds. */
export interface StoredConnection {
  /** The newest session; absent if there is none. */
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

const ID = ACCOUNT.pick("accountId");
const OWNER = APPLICATION_OWNER.pick("userId");
const COUNTS = ACCOUNT.pick("intents", "ownerId");
const SELF = rows({
  userId: snowflake<"user">(),
  applicationId: snowflake<"application">(),
  username: text(),
});
const GATEWAY_URL = rows({ gatewayUrl: text(), gatewayUrlAt: integer() });
const LIMIT = rows({
  limitTotal: integer(),
  limitRemaining: integer(),
  limitResetAfterMs: integer(),
  limitReadAt: integer(),
});
const FLAGS = rows({ flags: integer(), flagsAt: integer() });
const TIMES = GATEWAY_SESSION.pick("storedUpTo", "aliveAt");
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

function createAccounts({ sql, read }: Transactions) {
  const selectAccount = sql`SELECT * FROM account WHERE account_id = ?`;
  const selectConnection = sql.rows(toConnection)`
    SELECT * FROM gateway_session WHERE account_id = ?`;
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
        connection: selectConnection.all(accountId)[0],
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
    total: limit.limitTotal,
    remaining: limit.limitRemaining,
    resetAfterMs: limit.limitResetAfterMs,
    readAt: limit.limitReadAt,
  };
}

function toAccount(row: AccountRow): Omit<StoredAccount, "connection" | "ownerIds"> {
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

function toConnection(row: unknown): StoredConnection {
  const session = readIfSet(SESSION, row, "session_id");
  return {
    ...TIMES.read(row),
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
function createGuilds({ sql, read }: Transactions) {
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
function createDiscordAnswers({ database, sql, commit }: Transactions) {
  const saveGateway = sql`INSERT INTO account (
       account_id, gateway_url, gateway_url_at, limit_total, limit_remaining,
       limit_reset_after_ms, limit_read_at
     ) VALUES (
       :accountId, :url, :now, :total, :remaining, :resetAfterMs, :readAt
     )
     ON CONFLICT (account_id) DO UPDATE SET
       gateway_url = excluded.gateway_url,
       gateway_url_at = excluded.gateway_url_at,
       limit_total = excluded.limit_total,
       limit_remaining = excluded.limit_remaining,
       limit_reset_after_ms = excluded.limit_reset_after_ms,
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
    saveGateway: (accountId: AccountId, { url, limit }: GatewayInfo, now: number) =>
      commit(UNNAMED, () => {
        const { total, remaining, resetAfterMs, readAt } = limit;
        saveGateway.run({ accountId, url, now, total, remaining, resetAfterMs, readAt });
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

const STORED_IDENTIFY = IDENTIFY.pick("at");

/**
 * Stores the budget of IDENTIFYs. Each IDENTIFY is recorded before it is allowed, so no crash loop
 * can exceed the limit (G5).
 *
 * `core/discord/gateway.ts` decides by the record.
 *
 * The first IDENTIFY also stores its moment as the beginning of the connection. Discord may begin a
 * session and send it messages, and this process may die before it stores any of that. The next
 * IDENTIFY then opens a gap that begins there (G6).
 */
function createIdentifies({ database, sql, commit, read }: Transactions) {
  const selectAccount = sql`SELECT * FROM account WHERE account_id = ?`;
  const select = sql`
    SELECT at FROM identify WHERE account_id = ? AND at > ? ORDER BY at, id`;
  const insert = IDENTIFY.prepareInsert(database);
  // A row without a session and without a gap is the beginning of a connection.
  const begin = sql`INSERT INTO gateway_session (account_id, alive_at, stored_up_to)
     VALUES (:accountId, :now, :now)
     ON CONFLICT (account_id) DO UPDATE
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
    const identifies = select.all(accountId, now - DAY_MS).map((row) =>
      STORED_IDENTIFY.read(row).at
    );
    return { identifies, limit };
  }

  function take(accountId: AccountId, now: number): IdentifyAnswer {
    moveIdentifies.run({ accountId, now });
    moveLimit.run({ accountId, now });
    const record = recordOf(accountId, now);
    const answer = askIdentify(record, now);
    if (answer.kind === "granted") {
      insert({ accountId, at: now });
      begin.run({ accountId, now });
      prune.run({ accountId, kept: Math.max(IDENTIFIES_MAX, record.limit?.total ?? 0) });
    }
    return answer;
  }

  return {
    /**
     * Allows one IDENTIFY, which is on the disk before this resolves, or tells how long to wait. If
     * no session was stored after the first IDENTIFY, a gap opens from there.
     */
    takeIdentify: (accountId: AccountId, now: number): Promise<IdentifyAnswer> =>
      commit(COMMIT_OPTIONS.IDENTIFY, () => take(accountId, now)),
    /**
     * Forgets the beginning of a connection whose IDENTIFY Discord has refused for good. An account
     * that ever had a session keeps its gap.
     */
    forgetRefused: (accountId: AccountId): Promise<void> =>
      commit(UNNAMED, () => void forgetRefused.run({ accountId })),
    /** Reads the number of IDENTIFYs left, and until when none is allowed. */
    identifyBudget: (accountId: AccountId, now: number): Promise<IdentifyBudget> =>
      read(() => identifyBudget(recordOf(accountId, now), now)),
    /** Milliseconds that {@link takeIdentify} would make wait; 0 if none. Takes no IDENTIFY. */
    identifyInMs: (accountId: AccountId, now: number) =>
      read(() => {
        const answer = askIdentify(recordOf(accountId, now), now);
        return answer.kind === "granted" ? 0 : answer.untilMs - now;
      }),
  };
}

/**
 * Maximum age, in milliseconds, of a new message compared with the newest stored one. Discord is
 * sometimes late, and does not order messages across channels.
 */
export const LATE_MS = 60_000;

function createGatewaySessions(
  { database, sql, commit }: Transactions,
  pruner: Pruner,
  elapsed: () => number,
  assertFileUnchanged: () => void,
) {
  const saveSelf = sql`
    INSERT INTO account (account_id, user_id, application_id, username)
    VALUES (:accountId, :userId, :applicationId, :username)
    ON CONFLICT (account_id) DO UPDATE SET
      user_id = excluded.user_id,
      application_id = excluded.application_id,
      username = excluded.username`;
  // The right side of each equals sign reads the row before the change. Without a session
  // and a gap, the bot has missed nothing yet: this session is the answer to its first IDENTIFY.
  const start = sql`INSERT INTO gateway_session (
       account_id, session_id, resume_url, seq, started_at, alive_at, stored_up_to
     ) VALUES (
       :accountId, :sessionId, :resumeUrl, :seq, :arrivedAt, :arrivedAt, :arrivedAt
     )
     ON CONFLICT (account_id) DO UPDATE SET
       session_id = excluded.session_id,
       resume_url = excluded.resume_url,
       seq = excluded.seq,
       started_at = excluded.started_at,
       alive_at = excluded.alive_at,
       stored_up_to = IIF(COALESCE(session_id, catch_up_from) IS NULL, :arrivedAt, stored_up_to),
       catch_up_from = COALESCE(catch_up_from, IIF(session_id IS NULL, NULL, stored_up_to)),
       lost_at = IIF(COALESCE(session_id, catch_up_from) IS NULL, NULL, :arrivedAt),
       has_hole = 0`;
  const touch = sql`UPDATE gateway_session SET alive_at = MAX(alive_at, ?) WHERE account_id = ?`;
  // Each probe must change something, at any time and without any sign of life. SQLite does not
  // write an unchanged row, and a commit without writes does not wait for the disk.
  const probe = sql`INSERT INTO account (account_id, probes) VALUES (?, 1)
     ON CONFLICT (account_id) DO UPDATE SET probes = COALESCE(probes, 0) + 1`;
  const touchRun = prepareTouchRun(database);
  const saveIntents = sql`INSERT INTO account (account_id, intents) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET intents = excluded.intents`;

  return {
    /**
     * T0: stores a new session and the bot's identity in it. Unless it is the first session, a gap
     * opens before it.
     *
     * @param arrivedAt Unix time in milliseconds at which Discord began it.
     */
    startSession: (
      accountId: AccountId,
      session: GatewaySession,
      self: Self,
      arrivedAt: number,
    ) =>
      commit(COMMIT_OPTIONS.T0, () => {
        const { userId, applicationId, username } = self;
        saveSelf.run({ accountId, userId, applicationId, username });
        const { sessionId, resumeUrl, seq } = session;
        start.run({ accountId, sessionId, resumeUrl, seq, arrivedAt });
      }),
    /**
     * Stores the intents (bits) of later sessions, so that the bot resumes no session with others.
     */
    saveIntents: (accountId: AccountId, bits: number): Promise<void> =>
      commit(UNNAMED, () => void saveIntents.run(accountId, bits)),
    /**
     * Notes when the gateway was last heard, and that this run of the process lives. A session can
     * be resumed only for a limited time after its last sign of life. Also takes one step of pruning.
     *
     * @param heardAt Unix time in milliseconds of the newest sign of life; absent: none.
     * @param isProbe Whether to prove that the disk accepts writes; the commit then waits for the
     * disk.
     * @returns Milliseconds that the commit took.
     * @throws {StoreError} `gone`, if the file was removed or replaced; otherwise as each commit
     * does.
     */
    async touchAlive(
      accountId: AccountId,
      heardAt: number | undefined,
      now: number,
      isProbe: boolean = false,
    ) {
      assertFileUnchanged();
      const begun = elapsed();
      await commit(isProbe ? COMMIT_OPTIONS.PROBE : UNNAMED, () => {
        if (heardAt !== undefined) touch.run(heardAt, accountId);
        // A session's sign of life counts for the run, too: one page is written, not two.
        if (heardAt !== now) touchRun(now);
        if (isProbe) probe.run(accountId);
        pruner.step(now);
      });
      return elapsed() - begun;
    },
  };
}

/**
 * Stores the gap that catch-up must still read. It ends here. T0 opens it, and so does a hole in a
 * resumed session (`openGap`).
 */
function createGaps({ sql, commit }: Transactions) {
  const endSession = sql`UPDATE gateway_session SET
       session_id = NULL, resume_url = NULL, seq = NULL, started_at = NULL, has_hole = 0,
       catch_up_from = COALESCE(catch_up_from, stored_up_to), lost_at = ?
     WHERE account_id = ?`;
  // A missing message may have been sent before the newest stored one, or before the READY arrived.
  // A message that is read twice is recognized by its id.
  const openInSession = sql`UPDATE gateway_session SET
       has_hole = 1,
       catch_up_from = COALESCE(catch_up_from, stored_up_to - ${LATE_MS}), lost_at = ?
     WHERE account_id = ?`;
  const close = sql`UPDATE gateway_session SET catch_up_from = NULL, lost_at = NULL
     WHERE account_id = :accountId AND session_id IS NOT NULL AND has_hole = 0
       AND catch_up_from = :from AND lost_at = COALESCE(:lostAt, lost_at)`;

  return {
    /** Ends the session, so that none is resumed. A gap opens. */
    endSession: (accountId: AccountId, now: number): Promise<void> =>
      commit(UNNAMED, () => void endSession.run(now, accountId)),
    /**
     * Opens a gap in a session that was resumed with a hole. It begins at the end of the stored
     * messages, unless an open gap begins earlier. The session goes on, over a restart too, until a
     * new one may begin. The gap stays open until then, because only a READY tells which channels
     * have messages that the store lacks.
     */
    openGap: (accountId: AccountId, now: number): Promise<void> =>
      commit(UNNAMED, () => void openInSession.run(now, accountId)),
    /**
     * Closes the gap once catch-up has read all of it. A gap with another beginning stays open. So
     * does a gap that still grows: there is no session after it, or one with a hole, or another one
     * was lost since.
     *
     * @param from The gap's `catchUpFrom` from which catch-up has read.
     * @param lostAt The gap's `lostAt` before the reading. A caller that reads again after each loss
     * may leave it out.
     */
    finishCatchUp: (accountId: AccountId, from: number, lostAt?: number): Promise<void> =>
      commit(UNNAMED, () => void close.run({ accountId, from, lostAt: lostAt ?? null })),
  };
}

/**
 * Maximum time (milliseconds) between two signs of life of a live run. An idle run gives one every
 * five minutes.
 */
const SILENCE_MS = 315_000;

/**
 * Prepares the statement for a run's signs of life. One process writes to a store, and begins its
 * run first, so the newest run is its own.
 */
function prepareTouchRun(database: DatabaseSync): (now: number) => void {
  const sql = statementsOf(database);
  const touch = sql`UPDATE run SET alive_at = MAX(alive_at, ?)
     WHERE id = (SELECT MAX(id) FROM run) AND ending IS NULL`;
  return (now) => {
    touch.run(now);
  };
}

const STORED = RUN.pick("runId", "bootId", "startedAt", "aliveAt", "ending");
const NUMBERED = RUN.pick("id");

/** A run of the process. It may have lived five minutes longer than its last sign of life. */
export type ProcessRun = ReturnType<typeof STORED.read>;

/** The run before this one. */
export type LastRun = Omit<ProcessRun, "runId">;

/** All runs. A session's last sign of life counts for the newest run, too. */
const RUNS = `
  SELECT run_id, boot_id, started_at, ending, id,
    IIF(ending IS NULL AND id = (SELECT MAX(id) FROM run),
        MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session)), alive_at) AS alive_at
  FROM run`;

/**
 * Stores the runs of the process: their beginnings, last signs of life and endings.
 *
 * A run without a stored ending was killed, or its machine went down. The next run learns that and
 * can report it (O9).
 */
function createRuns({ database, sql, commit, read }: Transactions) {
  // The newest run lived when any session last heard from the gateway.
  const noteHeard = sql`
    UPDATE run SET alive_at = MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session))
    WHERE id = (SELECT MAX(id) FROM run) AND ending IS NULL`;
  const selectLast = sql`SELECT * FROM run ORDER BY id DESC LIMIT 1`;
  const select = sql.rows(STORED.read)`SELECT * FROM (${RUNS}) WHERE alive_at >= ? ORDER BY id`;
  const selectBefore = sql`SELECT * FROM (${RUNS}) WHERE started_at <= ? ORDER BY id DESC LIMIT 1`;
  const selectAfter = sql`SELECT * FROM (${RUNS}) WHERE started_at > ? ORDER BY id LIMIT 1`;
  const insert = RUN.prepareInsert(database);
  const prune = sql`
    DELETE FROM run WHERE id > (SELECT MIN(id) FROM run)
      AND id <= (SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?)`;
  const end = sql`
    UPDATE run SET ending = :ending, alive_at = MAX(alive_at, :now) WHERE run_id = :runId`;

  const endLast = sql`
    UPDATE run SET ending = ? WHERE id = (SELECT MAX(id) FROM run) AND ending IS NULL`;

  return {
    /**
     * Begins a run. Calls of `touchAlive` then keep it alive.
     *
     * @returns The run before it; `undefined` for the first.
     */
    startRun: (
      run: { readonly runId: string; readonly startedAt: number; readonly bootId?: string },
      lastEnding?: string,
    ): Promise<LastRun | undefined> =>
      commit(UNNAMED, () => {
        noteHeard.run();
        if (lastEnding !== undefined) endLast.run(lastEnding);
        const row = selectLast.get();
        insert({ ...run, aliveAt: run.startedAt });
        prune.run(RUNS_MAX);
        if (!row) return undefined;
        const { runId: _, ...last } = STORED.read(row);
        return last;
      }),
    endRun: (runId: string, ending: string, now: number): Promise<void> =>
      commit(UNNAMED, () => void end.run({ runId, ending, now })),
    /** The runs that lived at some time since then, oldest first, including the current one. */
    runs: (since: number): Promise<readonly ProcessRun[]> => read(() => select.all(since)),
    /**
     * Whether Barnacle ran at some time, with the newest run that had begun by then and the oldest one
     * that began later.
     *
     * @param at Unix time in milliseconds.
     * @returns `isForgotten` if the runs between these two are not kept any more.
     */
    runsAround: (at: number) =>
      read(() => {
        const rows = [selectBefore.get(at), selectAfter.get(at)];
        const [before, after] = rows.map((row) => row && STORED.read(row));
        const [first, next] = rows.map((row) => row && NUMBERED.read(row).id);
        const isForgotten = first !== undefined && next !== undefined && next > first + 1;
        const aliveUntil = before &&
          before.aliveAt + (before.ending === undefined ? SILENCE_MS : 0);
        const wasRunning = aliveUntil !== undefined && at <= aliveUntil;
        return { wasRunning, isForgotten: !wasRunning && isForgotten, before, after };
      }),
  };
}

/** The reason, for the operator, on records that a change of server or bot has ended. */
const OTHER_PEER = "the account has moved to another server or bot";

/**
 * Ties an account's stored data to one server and one bot.
 *
 * A session of the simulator must not be resumed at Discord. Messages from the simulator that wait
 * for a turn must not be answered at Discord, where other people would read the answers.
 *
 * @param memory Forgets everything: the tables of the account change.
 */
function createStoreOwner({ database, sql, commit, read }: Transactions, memory: Memory) {
  const selectOther = sql`
    SELECT 1 FROM account WHERE account_id = ? AND peer IS NOT NULL AND peer <> ?`;
  const forget = TABLES.filter(({ isOfBot }) => isOfBot)
    .map(({ name }) => sql`DELETE FROM ${name} WHERE account_id = ?`);
  const giveUp = [
    // No person gets a notice, so there is no failure id. The turn ended when Barnacle last worked
    // on it.
    `UPDATE inbox
     SET state = 'failed', failure = :reason, finished_at = COALESCE(claimed_at, accepted_at)
     WHERE ${IS_OPEN} AND account_id = :accountId`,
    // The condition of an index of the open rows, which it repeats exactly.
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE state IN ('pending', 'sending', 'uncertain', 'dead') AND state <> 'dead'
       AND +account_id = :accountId`,
  ].map((sql) => database.prepare(sql));
  // Otherwise the record would show this verdict as pending for ever.
  const dropUndecided = [
    `DELETE FROM decision WHERE account_id = :accountId AND message_id IN (
       SELECT message_id FROM undecided WHERE account_id = :accountId)`,
    "DELETE FROM undecided WHERE account_id = :accountId",
  ].map((sql) => database.prepare(sql));
  const savePeer = sql`INSERT INTO account (account_id, peer) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET peer = excluded.peer`;

  return {
    /** Whether the account's stored data belongs to another server or bot. */
    isOtherPeer: (accountId: AccountId, peer: string) =>
      read(() => selectOther.get(accountId, peer) !== undefined),
    /**
     * Sets the server and bot of an account, before its data is read. Data from another server or bot
     * is deleted. Messages from there that wait for a turn, a decision or a send attempt are given
     * up. Another bot has a budget of IDENTIFYs of its own.
     *
     * Pairings and resolved names stay, because the people are the same. Open pairing requests do
     * not, because they belong to a chat with the other bot.
     *
     * @param peer Server and bot in one text without a secret.
     * @returns Whether it is another one than before.
     */
    adoptPeer: (accountId: AccountId, peer: string) =>
      commit(UNNAMED, () => {
        const isOther = selectOther.get(accountId, peer) !== undefined;
        if (isOther) {
          for (const statement of forget) statement.run(accountId);
          for (const statement of dropUndecided) statement.run({ accountId });
          for (const statement of giveUp) statement.run({ accountId, reason: OTHER_PEER });
          memory.forget();
        }
        savePeer.run(accountId, peer);
        return isOther;
      }),
  };
}
