/**
 * The store: one file, one writer, and a namespace for each topic.
 *
 * Each method is all or nothing. Some wait for a commit, some answer from memory
 * (`memory/memory.ts`). The returned objects of the factories are the contracts: `Store` is inferred
 * from them. Flows and `bot/` import these types, or take a `Pick` of them.
 *
 * Old records are deleted in small steps, so that no other transaction waits long for a step (X6). The
 * rows of most tables are in the order of time: a step looks at the next ones, from the oldest on, and
 * begins anew once it meets one that stays.
 *
 * Each factory of this folder takes a database that is open, migrated, and owned by its caller.
 */

import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { AccountId, UserId } from "../core/discord/ids.ts";
import type { Judged } from "../core/inbound/inbox.ts";
import { dayOf } from "../core/spending/budget.ts";
import type {
  DecisionCount,
  StoreErrorKind,
  StoreFailure,
  StoreFigures,
} from "../core/store/store.ts";
import { createFeatureStores } from "../features/features.ts";
import { DAY_MS } from "../lib/clock.ts";
import { createChanges } from "./changes/changes.ts";
import {
  type CrashPoint,
  createCommits,
  statementsOf,
  type Transactions,
  UNNAMED,
} from "./database/commits.ts";
import { emptyLog, openDatabase, openReader } from "./database/database.ts";
import { toStoreError, watchFile } from "./database/database_files.ts";
import { createForgetting, noteForgotten } from "./forget/forget.ts";
import { createGateway } from "./gateway/gateway.ts";
import { createInbox } from "./inbox/inbox.ts";
import { createMemory } from "./memory/memory.ts";
import { createStoredMessages } from "./messages/messages.ts";
import { createOutbox } from "./outbox/outbox.ts";
import { createPairing } from "./pairing/pairing.ts";
import { createQuestions } from "./questions/questions.ts";
import { type DeclaredTable, integer, optional, rows } from "./schema/columns.ts";
import { HELD_DAYS } from "./schema/outbox.ts";
import { IS_PARKED } from "./schema/person.ts";
import { TABLES } from "./schema/tables.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createSettings } from "./settings/settings.ts";
import { createTranscripts, createTurns } from "./turns/turns.ts";
import { createUsage } from "./usage/usage.ts";

/** How long records are kept, and how many. Days: 0, or none, is for ever. */
export interface Retention {
  /** `store.retention.decisionsDays`. */
  readonly decisionsDays: number;
  /** Maximum number of decisions; 200,000 if absent. */
  readonly decisionsMax?: number;
  /** `store.retention.contextDays`, within the bound per channel. */
  readonly contextDays: number;
  /**
   * `store.retention.mediaDays`, of files that never reached Discord. Messages that are still to be
   * sent keep their files.
   */
  readonly mediaDays: number;
  /** `store.retention.transcriptsDays`. */
  readonly transcriptsDays?: number;
  /** `store.retention.usageDays`, beside today. */
  readonly usageDays?: number;
  /**
   * `store.retention.maxMb`: megabytes of data beyond which the oldest transcripts are deleted, except
   * those of the last day; unlimited if absent.
   */
  readonly maxMb?: number;
  /** Maximum number of overheard messages of a channel, from 1. */
  readonly contextPerChannel: number;
}

/** Maximum number of decisions, of some 700 bytes each with their index. */
const DECISIONS_MAX = 200_000;

/** The retention without config. */
export const DEFAULT_RETENTION: Retention = {
  decisionsDays: 30,
  contextDays: 14,
  mediaDays: 7,
  contextPerChannel: 200,
};

/** Rows that a step reads of each table, and of new rows between two steps. */
const STEP_ROWS = 64;
/** Decisions beyond their number that a step deletes. */
const STEP_DECISIONS = 256;
/** Maximum number of messages whose files a step deletes: each may have 80 MB. */
const STEP_FILES = 4;
const MB = 1024 * 1024;

/** Milliseconds between two looks at tables that are not in the order of time. */
const LOOK_EVERY_MS = DAY_MS;

const NEXT = rows({ id: integer(), at: integer() });
const NUMBER = rows({ number: integer() });

type Rule = NonNullable<DeclaredTable["keeps"]>;

/** Prepares a step in a table in the order of time. It tells whether there may be more to delete. */
function prepareSweep(
  database: DatabaseSync,
  table: string,
  { by: at, mayGo = "1" }: Rule,
  onPruned = () => {},
) {
  const sql = statementsOf(database);
  const selectNext = sql.rows(NEXT.read)`
    SELECT id, ${at} AS at FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`;
  const prune = sql`
    DELETE FROM ${table} WHERE id >= :from AND id < :to AND ${at} < :before AND ${mayGo}`;
  const needsHeld = mayGo.includes(":heldBefore");
  let cursor = 0;
  return (before: number, now: number): boolean => {
    const next = selectNext.get(cursor);
    if (!next || next.at >= before) {
      cursor = 0;
      return false;
    }
    cursor = next.id + STEP_ROWS;
    const range = { from: next.id, to: cursor, before };
    const held = needsHeld && { heldBefore: now - HELD_DAYS * DAY_MS };
    if (prune.run({ ...range, ...held }).changes > 0) onPruned();
    return true;
  };
}

/** Prepares a step in any other table. */
function prepareSearch(
  database: DatabaseSync,
  { name, keyColumns }: DeclaredTable,
  { by, mayGo = "1", isSlow }: Rule,
) {
  const sql = statementsOf(database);
  const key = keyColumns.join(", ");
  const prune = sql`DELETE FROM ${name} WHERE (${key}) IN (
     SELECT ${key} FROM ${name} WHERE ${by} < ? AND ${mayGo} LIMIT ${STEP_ROWS})`;
  let lookedAt = -Infinity;
  return (before: number, now: number): boolean => {
    if (isSlow && Math.abs(now - lookedAt) < LOOK_EVERY_MS) return false;
    const isMore = prune.run(before).changes === STEP_ROWS;
    if (!isMore) lookedAt = now;
    return isMore;
  };
}

/** Prepares the check of the size, without pages that are free to be used again. */
function prepareIsOver(database: DatabaseSync, maxMb: number): () => boolean {
  const select = statementsOf(database).rows(NUMBER.read)`
    SELECT (page_count - freelist_count) * page_size AS number
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size`;
  return () => maxMb !== Infinity && select.one().number > maxMb * MB;
}

/**
 * Prepares the statements that delete records, within transactions of the caller's.
 *
 * @param onPruned Called if entries of transcripts were deleted.
 */
function preparePruner(database: DatabaseSync, retention: Retention, onPruned: () => void) {
  const { decisionsMax = DECISIONS_MAX, mediaDays, maxMb = Infinity } = retention;
  const sql = statementsOf(database);
  const isOver = prepareIsOver(database, maxMb);
  const rules = TABLES.flatMap((table) => {
    const { name, keyColumns, keeps } = table;
    if (!keeps) return [];
    const days = typeof keeps.days === "number" ? keeps.days : retention[keeps.days] ?? 0;
    const isTranscript = keeps.days === "transcriptsDays";
    if (days === 0 && !(isTranscript && maxMb !== Infinity)) return [];
    const isInOrder = keyColumns.join() === "id" && !keeps.isSlow;
    const step = isInOrder
      ? prepareSweep(database, name, keeps, isTranscript ? onPruned : undefined)
      : prepareSearch(database, table, keeps);
    return [(now: number, isOver: boolean): boolean => {
      const kept = days === 0 ? -Infinity : now - days * DAY_MS;
      const before = isTranscript && isOver ? Math.max(kept, now - DAY_MS) : kept;
      return step(keeps.by === "day" ? dayOf(now) - days : before, now);
    }];
  });
  const pruneDecisions = sql`DELETE FROM decision
     WHERE id <= (SELECT MAX(id) FROM decision) - ${decisionsMax}
       AND id IN (SELECT id FROM decision ORDER BY id LIMIT ${STEP_DECISIONS})`;
  // The operator cannot send such a message again without its files.
  const pruneFiles = sql`DELETE FROM outbox_file WHERE outbox_row IN (
       SELECT DISTINCT f.outbox_row FROM outbox_file AS f CROSS JOIN outbox AS o
       WHERE o.id = f.outbox_row AND o.state IN ('dead', 'uncertain') AND o.created_at < ?
       LIMIT ${STEP_FILES}
     )`;
  let sinceStep = 0;

  function step(now: number): boolean {
    sinceStep = 0;
    const isTooLarge = isOver();
    const more = rules.filter((rule) => rule(now, isTooLarge)).length;
    const hasFiles = mediaDays > 0 && pruneFiles.run(now - mediaDays * DAY_MS).changes > 0;
    return pruneDecisions.run().changes === STEP_DECISIONS || hasFiles || more > 0;
  }

  return {
    /** Notes new rows, and takes a step after each {@link STEP_ROWS} of them. */
    stored(rows: number, now: number): void {
      sinceStep += rows;
      if (sinceStep >= STEP_ROWS) step(now);
    },
    /**
     * Takes a step: deletes a bounded number of old records of each kind.
     *
     * @returns Whether there may be more to delete.
     */
    step,
  };
}

export type Pruner = ReturnType<typeof preparePruner>;

const INBOX = rows({
  waiting: integer(),
  running: integer(),
  oldestWaitingAt: optional(integer()),
});
const OUTBOX = rows({
  pending: integer(),
  sending: integer(),
  uncertain: integer(),
  dead: integer(),
  oldest: optional(integer()),
});
const PARKED = rows({ parkedChannels: integer(), pending: integer(), sending: integer() });
const OLDEST = rows({ oldest: optional(integer()) });

const IS_NOT_STOPPED = "NOT IN (SELECT value FROM json_each(:stopped))";
const NONE_STOPPED = "[]";

/** Creates the counts; verdicts count from now on. */
function createFigures({ sql, read }: Transactions) {
  const selectInbox = sql.rows(INBOX.read)`SELECT
       (SELECT COUNT(*) FROM inbox WHERE finished_at IS NULL AND state = 'waiting'
          AND NOT ${IS_PARKED}) AS waiting,
       (SELECT COUNT(*) FROM inbox WHERE finished_at IS NULL AND state = 'running') AS running,
       (SELECT accepted_at FROM inbox WHERE id = (
          SELECT MIN(id) FROM inbox
          WHERE finished_at IS NULL AND state = 'waiting' AND account_id ${IS_NOT_STOPPED}
            AND NOT ${IS_PARKED}
        )) AS oldest_waiting_at`;
  const selectOutbox = sql.rows(OUTBOX.read)`SELECT
       COUNT(*) FILTER (WHERE state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE state = 'sending') AS sending,
       COUNT(*) FILTER (WHERE state = 'uncertain') AS uncertain,
       COUNT(*) FILTER (WHERE state = 'dead') AS dead,
       MIN(created_at) FILTER (WHERE state IN ('pending', 'sending')) AS oldest
     FROM outbox WHERE state IN ('pending', 'sending', 'uncertain', 'dead')`;
  const selectParked = sql.rows(PARKED.read)`SELECT
       COUNT(DISTINCT p.account_id || ' ' || p.channel_id) AS parked_channels,
       COUNT(*) FILTER (WHERE o.state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE o.state = 'sending') AS sending
     FROM parked_channel AS p
     LEFT JOIN outbox AS o ON o.account_id = p.account_id AND o.channel_id = p.channel_id
       AND o.state IN ('pending', 'sending')
     WHERE p.is_parked = 1`;
  const selectOldest = sql.rows(OLDEST.read)`SELECT MIN(o.created_at) AS oldest FROM outbox AS o
     LEFT JOIN parked_channel AS p
       ON p.account_id = o.account_id AND p.channel_id = o.channel_id AND p.is_parked = 1
     WHERE o.state IN ('pending', 'sending') AND p.channel_id IS NULL
       AND o.account_id ${IS_NOT_STOPPED}`;
  const counts: (DecisionCount & { count: number })[] = [];

  function outboxFigures(stopped: string): StoreFigures["outbox"] {
    const all = selectOutbox.one();
    const parked = selectParked.one();
    const parkedCount = parked.pending + parked.sending;
    // Only the row itself tells its channel, which costs a read, so it is read only if it matters.
    const hasExcluded = parkedCount > 0 || stopped !== NONE_STOPPED;
    const { oldest } = hasExcluded ? selectOldest.one({ stopped }) : all;
    return {
      pending: all.pending - parked.pending,
      sending: all.sending - parked.sending,
      uncertain: all.uncertain,
      dead: all.dead,
      parked: parkedCount,
      parkedChannels: parked.parkedChannels,
      oldestUnsentAt: oldest,
    };
  }

  function add({ verdict: { kind, why } }: Judged): void {
    if (kind === "undecided") return;
    const counted = counts.find((one) => one.why === why && one.verdict === kind);
    if (counted) counted.count++;
    else counts.push({ verdict: kind, why, count: 1 });
  }

  return {
    /**
     * Reads the counts for health and metrics.
     *
     * @param accounts Accounts that do not run. Their waiting messages do not count as late, because
     * no account works on them.
     */
    health: (accounts: readonly AccountId[] = []): Promise<StoreFigures> =>
      read(() => {
        const stopped = JSON.stringify(accounts);
        return {
          inbox: selectInbox.one({ stopped }),
          outbox: outboxFigures(stopped),
          decisions: counts.map((counted) => ({ ...counted })),
        };
      }),
    /** Counts newly stored verdicts. An undecided message counts once it is decided. */
    count: (recorded: readonly Judged[]): void => recorded.forEach(add),
  };
}

const EXTENT = rows({
  pages: integer(),
  free: integer(),
  size: integer(),
  oldestMessageAt: optional(integer()),
  oldestDecisionAt: optional(integer()),
});

/**
 * Deletes old records on demand, and tells how large the store is and how old its records are.
 */
function createUpkeep({ database, sql, commit, read }: Transactions, pruner: Pruner) {
  // Rows are in the order of time, so the first one is the oldest.
  const first = (column: string, table: string) =>
    `SELECT (SELECT ${column} FROM ${table} ORDER BY id LIMIT 1) AS at`;
  const select = sql`SELECT
       (SELECT page_count FROM pragma_page_count) AS pages,
       (SELECT freelist_count FROM pragma_freelist_count) AS free,
       (SELECT page_size FROM pragma_page_size) AS size,
       (SELECT MIN(at) FROM (
          ${first("accepted_at", "inbox")} UNION ALL ${first("at", "entry")}
          UNION ALL ${first("created_at", "outbox")})) AS oldest_message_at,
       (SELECT at FROM decision ORDER BY id LIMIT 1) AS oldest_decision_at`;
  return {
    /**
     * Deletes a bounded number of old records (X6).
     *
     * @returns Whether there may be more to delete.
     */
    prune: (now: number) => commit(UNNAMED, () => pruner.step(now)),
    /**
     * Empties the log, which has removed words until then.
     *
     * @returns Whether it is empty: another process may read it.
     */
    emptyLog: () => read(() => emptyLog(database)),
    /** Bytes of the data, of deleted data which are used again, and the times of the oldest records. */
    extent: () =>
      read(() => {
        const { pages, free, size, ...oldest } = EXTENT.read(select.get());
        return { bytes: pages * size, freeBytes: free * size, ...oldest };
      }),
  };
}

/** The size of the store and the age of its records. */
export type StoreExtent = Awaited<ReturnType<ReturnType<typeof createUpkeep>["extent"]>>;

/** Everything that the store needs from outside. */
export interface StoreOptions {
  /** Milliseconds of a clock that never goes back: `performance.now`. */
  readonly elapsed: () => number;
  /** Called around transactions, where a test ends the process. */
  readonly crash?: CrashPoint;
  /** How long the store keeps records; {@link DEFAULT_RETENTION} by default. */
  readonly retention?: Retention;
}

/** The file with hashes of forgotten people; `host/` names it, too. */
const FORGOTTEN = "forgotten.jsonl";

/**
 * Opens the store at `path`, and creates or migrates it if necessary. The caller holds the lock of
 * the data directory, so no other process writes to the store.
 *
 * @throws {StoreError} As `openDatabase` and {@link createStore} do.
 */
export function openStore(path: string, options: StoreOptions & { readonly now: number }): Store {
  const database = openDatabase(path, options.now);
  try {
    return createStore(database, path, options);
  } catch (thrown) {
    database.close();
    throw toStoreError(thrown, path);
  }
}

/**
 * Opens the store of another process to read it.
 *
 * @throws {StoreError} If the file cannot be read.
 */
export function openStoreReader(path: string, options: StoreOptions): Store {
  const database = openReader(path);
  try {
    return createStore(database, path, options);
  } catch (thrown) {
    database.close();
    throw toStoreError(thrown, path);
  }
}

/**
 * Creates the store over an open and migrated database. Closing the store closes the database.
 *
 * @param path Path of the database file, for error messages.
 */
export function createStore(
  database: DatabaseSync,
  path: string,
  { elapsed, crash, retention = DEFAULT_RETENTION }: StoreOptions,
) {
  const memory = createMemory(database);
  let failure: { readonly kind: StoreErrorKind; readonly at: number } | undefined;
  let onRemoved = (): void => {};
  const commits = createCommits(database, path, {
    crash,
    onFailed(kind) {
      if (failure?.kind !== "damaged") failure = { kind, at: elapsed() };
    },
    onUndone: () => forget(),
    onRemoved: () => onRemoved(),
  });
  const transcripts = createTranscripts(commits);
  const forget = (): void => [memory, transcripts].forEach((cache) => cache.forget());
  const pruner = preparePruner(database, retention, transcripts.forget);
  const figures = createFigures(commits);
  const settings = createSettings(commits);
  const forgetting = createForgetting(
    commits,
    memory,
    (userId) => {
      if (path !== ":memory:") noteForgotten(join(dirname(path), FORGOTTEN), userId, Date.now());
    },
  );
  /** After a person was forgotten, rows that memory has by their number are gone (X5). */
  const forgetRows = (): void => {
    forget(); // waiting messages may quote the person
    settings.readAgain();
  };
  const namespaces = {
    /** Accounts, gateway sessions, gaps and runs. */
    gateway: createGateway(commits, pruner, memory, elapsed, watchFile(path)),
    /** Messages until a turn claims them. */
    inbox: createInbox(commits, memory, pruner, transcripts, retention, figures.count),
    /** Verdicts, policies and the record of each message. */
    messages: createStoredMessages(commits, retention),
    turns: createTurns(commits, memory, pruner, transcripts, retention),
    /** Conversations: their checkpoints, and their lists for the operator. */
    sessions: createSessions(commits, transcripts),
    outbox: createOutbox(commits),
    /** The use of models, and problems of models that the owners know. */
    usage: createUsage(commits),
    /** Paired people, pairing requests and resolved names. */
    pairing: createPairing(commits),
    /** Questions to people, and the turns that wait for them. */
    questions: createQuestions(commits, memory),
    forgetting: {
      ...forgetting,
      async forget(userId: UserId, mayRun: boolean) {
        const forgotten = await forgetting.forget(userId, mayRun);
        if (forgotten !== "open turns") forgetRows();
        return forgotten;
      },
    },
    /** The agent's memory. */
    changes: createChanges(commits),
    /** Settings that people change by commands. */
    settings,
    ...createFeatureStores(commits),
    upkeep: {
      ...createUpkeep(commits, pruner),
      /** Calls `run` after each removal of words of people: by id, by number, or of a person. */
      whenRemoved(run: () => void): void {
        onRemoved = run;
      },
    },
  };
  return {
    ...namespaces,
    health: figures.health,
    /** The newest failure of the disk or the file, unless there was none. Damage is final. */
    failure: (): StoreFailure | undefined =>
      failure && { kind: failure.kind, ageMs: elapsed() - failure.at },
    /** Number of commits since the store was opened; it costs nothing to ask. */
    writes: commits.writes,
    /** Commits all work so far, and closes the file. Later work is refused. */
    close() {
      commits.close();
      database.close();
    },
  };
}

/**
 * The methods of the store. A method that reads or stores rejects with a `StoreError` if the disk or
 * the file fails; nothing of its work is stored then.
 */
export type Store = ReturnType<typeof createStore>;
