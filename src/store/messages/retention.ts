/**
 * Deletes old records in small steps, so that no other transaction waits long for a step (X6).
 *
 * A channel is checked once it has grown by 64 messages, and whole blocks of messages are deleted.
 * So a channel has at most its maximum, these 64, one block and one batch. Each step also checks
 * one more channel, by number and by age, so that silent channels are checked, too.
 */

import type { DatabaseSync } from "node:sqlite";
import { dayOf } from "../../core/spending/budget.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { statementsOf } from "../database/commits.ts";
import { account, integer, type Keeps, rows, snowflake } from "../schema/columns.ts";
import { TABLES } from "../schema/tables.ts";
import type { OverheardKey } from "./messages.ts";
import { HELD_DAYS } from "../schema/outbox.ts";

export interface TranscriptRetention {
  /** `store.retention.transcriptsDays`: days to keep transcripts; 0 keeps them for ever. */
  readonly transcriptsDays?: number;
  /**
   * `store.retention.maxMb`: megabytes of data beyond which the oldest are deleted, except those of
   * the last day; unlimited if absent.
   */
  readonly maxMb?: number;
}

/** Number of rows that a step reads of each table. */
const STEP_ROWS = 64;
const MB = 1024 * 1024;

const NEXT = rows({ id: integer(), at: integer() });
const NUMBER = rows({ number: integer() });

/**
 * Prepares the deletion.
 *
 * @param onPruned Called if entries were deleted, which memory may have.
 * @returns Takes a step, and returns whether there may be more to do; `now` is Unix time in
 * milliseconds.
 */
function preparePruneTranscripts(
  database: DatabaseSync,
  { transcriptsDays = 0, maxMb = Infinity }: TranscriptRetention,
  onPruned: () => void,
): (now: number) => boolean {
  const sweeps = TABLES.flatMap(({ name, keeps }) =>
    keeps?.days === "transcriptsDays" ? [prepareTableSweep(database, name, keeps)] : []
  );
  const isOver = prepareIsOver(database, maxMb);
  return (now) => {
    const kept = transcriptsDays === 0 ? -Infinity : now - transcriptsDays * DAY_MS;
    const before = isOver() ? Math.max(kept, now - DAY_MS) : kept;
    if (before === -Infinity) return false;
    const swept = sweeps.map((sweep) => sweep(before, now - HELD_DAYS * DAY_MS));
    if (swept.some(({ deleted }) => deleted > 0)) onPruned();
    return swept.some(({ isMore }) => isMore);
  };
}

function prepareTableSweep(
  database: DatabaseSync,
  table: string,
  { by: at, mayGo = "1" }: Keeps,
): (before: number, heldBefore: number) => { readonly deleted: number; readonly isMore: boolean } {
  const sql = statementsOf(database);
  const selectNext = sql`SELECT id, ${at} AS at FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`;
  const prune = sql`
    DELETE FROM ${table} WHERE id >= :from AND id < :to AND ${at} < :before AND ${mayGo}`;
  const needsHeld = mayGo.includes(":heldBefore");
  let cursor = 0;
  return (before, heldBefore) => {
    const row = selectNext.get(cursor);
    const next = row && NEXT.read(row);
    if (!next || next.at >= before) {
      cursor = 0;
      return { deleted: 0, isMore: false };
    }
    cursor = next.id + STEP_ROWS;
    const range = { from: next.id, to: cursor, before };
    const { changes } = prune.run(needsHeld ? { ...range, heldBefore } : range);
    return { deleted: Number(changes), isMore: true };
  };
}

/** Prepares the check of the size, without pages that are free to be used again. */
function prepareIsOver(database: DatabaseSync, maxMb: number): () => boolean {
  const sql = statementsOf(database);
  const numberOf = (name: string) => {
    const select = sql`SELECT ${name} AS number FROM pragma_${name}`;
    return () => NUMBER.read(select.get()).number;
  };
  const [pages, free, size] = [
    numberOf("page_count"),
    numberOf("freelist_count"),
    numberOf("page_size"),
  ];
  return () => maxMb !== Infinity && (pages() - free()) * size() > maxMb * MB;
}

/** Milliseconds between two looks at tables that have no index by time. */
const LOOK_EVERY_MS = DAY_MS;

/**
 * Deletes old rows by the rules of the tables (`keeps`), apart from those of transcripts.
 *
 * @returns Takes a step, and returns whether there may be more to do.
 */
export function preparePruneOld(
  database: DatabaseSync,
  { usageDays = 0 }: {
    /** `store.retention.usageDays`: days to keep it, beside today; for ever if 0 or absent. */
    readonly usageDays?: number;
  },
): (now: number) => boolean {
  const sql = statementsOf(database);
  const rules = TABLES.flatMap(({ name, keyColumns, keeps }) => {
    const days = keeps?.days === "usageDays" ? usageDays : keeps?.days ?? 0;
    if (!keeps || typeof days !== "number" || days === 0) return [];
    const { by, mayGo = "1", isSlow = false } = keeps;
    const key = keyColumns.join(", ");
    const prune = sql`DELETE FROM ${name} WHERE (${key}) IN (
       SELECT ${key} FROM ${name} WHERE ${by} < ? AND ${mayGo} LIMIT ${STEP_ROWS})`;
    const before = (now: number) => by === "day" ? dayOf(now) - days : now - days * DAY_MS;
    return [{ isSlow, isMore: (now: number) => prune.run(before(now)).changes === STEP_ROWS }];
  });
  let lookedAt = -Infinity;
  return (now) => {
    const isDue = Math.abs(now - lookedAt) >= LOOK_EVERY_MS;
    const more = rules.filter(({ isSlow }) => isDue || !isSlow).filter(({ isMore }) => isMore(now));
    if (isDue && !more.some(({ isSlow }) => isSlow)) lookedAt = now;
    return more.length > 0;
  };
}

/** How long records are kept, and how many. */
export interface Retention extends TranscriptRetention {
  /** `store.retention.decisionsDays`: days to keep decisions; 0 keeps them for ever. */
  readonly decisionsDays: number;
  /** Maximum number of decisions; {@link DECISIONS_MAX} if absent. */
  readonly decisionsMax?: number;
  /**
   * `store.retention.contextDays`: days to keep context; 0 keeps it for ever, within its bound per
   * channel.
   */
  readonly contextDays: number;
  /**
   * `store.retention.mediaDays`: days to keep files that never reached Discord; 0 keeps them for
   * ever. Messages that are still to be sent keep their files.
   */
  readonly mediaDays: number;
  /** `store.retention.usageDays`: days to keep the use of models; for ever if 0 or absent. */
  readonly usageDays?: number;
  /** Maximum number of overheard messages of a channel, from 1. */
  readonly contextPerChannel: number;
}

/** Maximum number of decisions, of some 700 bytes each with their index. */
export const DECISIONS_MAX = 200_000;

/** The retention without config. */
export const DEFAULT_RETENTION: Retention = {
  decisionsDays: 30,
  contextDays: 14,
  mediaDays: 7,
  contextPerChannel: 200,
};

/** A channel whose context has grown. */
export interface ContextGrowth {
  readonly key: OverheardKey;
  /** Number of new messages, from 1. */
  readonly count: number;
}

/**
 * Number of new rows between two steps, and of new rows of a channel before it is checked again.
 */
const ROWS_PER_STEP = 64;
/** Maximum number of messages whose files a step deletes: each may have 80 MB. */
const STEP_FILES = 4;
/** Number of decisions that a step deletes at most, unless more arrived since the last one. */
const STEP_DECISIONS = 256;
/** Maximum number of reactions that a step deletes. */
const STEP_REACTIONS = 64;

/**
 * Prepares the statements that delete records.
 *
 * @param onPruned Called if entries of transcripts were deleted.
 */
export function preparePruner(
  database: DatabaseSync,
  retention: Retention,
  onPruned: () => void = () => {},
) {
  const pruneDecisions = preparePruneDecisions(database, retention);
  const pruneFiles = preparePruneFiles(database, retention);
  const pruneTranscripts = preparePruneTranscripts(database, retention, onPruned);
  const pruneReactions = preparePruneReactions(database, retention);
  const pruneOld = preparePruneOld(database, retention);
  const { pruneByAge, pruneByNumber } = preparePruneContext(database, retention);
  const nextChannel = prepareSweep(database);
  /** Number of new messages of each channel since its last check. */
  const growth = new Map<string, number>();
  /**
   * Channels to check in the next step. A channel that this process has not seen may have grown
   * before the start, so it is due at once.
   */
  const due = new Map<string, OverheardKey>();
  let sinceStep = 0;

  function step(now: number): boolean {
    const isMore = [
      pruneDecisions(now, Math.max(STEP_DECISIONS, 2 * sinceStep)),
      pruneFiles(now),
      pruneTranscripts(now),
      pruneReactions(now),
      pruneOld(now),
    ].some((one) => one);
    const { key, isLast } = nextChannel();
    if (key) {
      pruneByAge(key, now);
      pruneByNumber(key);
    }
    for (const [name, key] of due) {
      pruneByNumber(key);
      growth.set(name, 0);
    }
    due.clear();
    sinceStep = 0;
    return isMore || !isLast;
  }

  return {
    /** Maximum number of overheard messages of a channel, from 1. */
    contextPerChannel: retention.contextPerChannel,
    /** Notes growth of context, and takes a step after each {@link ROWS_PER_STEP} rows. */
    afterBatch(grown: readonly ContextGrowth[], rows: number, now: number): void {
      for (const { key, count } of grown) {
        const name = `${key.accountId} ${key.channelId}`;
        const sinceLast = (growth.get(name) ?? ROWS_PER_STEP) + count;
        growth.set(name, sinceLast);
        if (sinceLast >= ROWS_PER_STEP) due.set(name, key);
      }
      sinceStep += rows;
      if (sinceStep >= ROWS_PER_STEP) step(now);
    },
    /**
     * Takes a step: deletes a bounded number of old records of each kind, and checks one channel.
     *
     * @returns Whether there may be more to delete, or channels are left in this round.
     */
    step,
  };
}

/** Deletes old records, within transactions of the caller's. */
export type Pruner = ReturnType<typeof preparePruner>;

/**
 * Prepares the deletion of decisions. Their numbers rise with time, so the number of the newest tells
 * how many there are at most.
 */
function preparePruneDecisions(
  database: DatabaseSync,
  { decisionsDays, decisionsMax = DECISIONS_MAX }: Retention,
): (now: number, atMost: number) => boolean {
  const sql = statementsOf(database);
  const ends = sql`SELECT o.id AS id, o.at AS at, n.id AS newest FROM decision AS o, decision AS n
     WHERE o.id = (SELECT MIN(id) FROM decision) AND n.id = (SELECT MAX(id) FROM decision)`;
  const prune = sql`DELETE FROM decision
     WHERE (id <= ? OR at < ?) AND id IN (SELECT id FROM decision ORDER BY id LIMIT ?)`;
  return (now, atMost) => {
    const row = ends.get();
    if (!row) return false;
    const { id, at, newest } = DECISIONS.read(row);
    const upTo = newest - decisionsMax;
    const before = decisionsDays === 0 ? 0 : now - decisionsDays * DAY_MS;
    if (id > upTo && at >= before) return false;
    return Number(prune.run(upTo, before, atMost).changes) === atMost;
  };
}

const DECISIONS = rows({ id: integer(), at: integer(), newest: integer() });

/**
 * Prepares the deletion of old files of dead or uncertain messages. The operator cannot send such a
 * message again without its files.
 */
function preparePruneFiles(
  database: DatabaseSync,
  { mediaDays }: Retention,
): (now: number) => boolean {
  const sql = statementsOf(database);
  const prune = sql`DELETE FROM outbox_file WHERE outbox_row IN (
       SELECT DISTINCT f.outbox_row FROM outbox_file AS f CROSS JOIN outbox AS o
       WHERE o.id = f.outbox_row AND o.state IN ('dead', 'uncertain') AND o.created_at < ?
       LIMIT ?
     )`;
  return (now) => mediaDays > 0 && prune.run(now - mediaDays * DAY_MS, STEP_FILES).changes > 0;
}

/** Prepares the deletion of old reactions. Their rows are in the order of time. */
function preparePruneReactions(
  database: DatabaseSync,
  { contextDays }: Retention,
): (now: number) => boolean {
  const sql = statementsOf(database);
  const prune = sql`
    DELETE FROM reaction WHERE at < ? AND id IN (SELECT id FROM reaction ORDER BY id LIMIT ?)`;
  return (now) =>
    contextDays > 0 &&
    Number(prune.run(now - contextDays * DAY_MS, STEP_REACTIONS).changes) === STEP_REACTIONS;
}

/**
 * Prepares the deletion of a channel's blocks that are too old, or older than `contextPerChannel`
 * other messages.
 */
function preparePruneContext(
  database: DatabaseSync,
  { contextDays, contextPerChannel }: Retention,
) {
  const sql = statementsOf(database);
  const deleteBefore = sql`
    DELETE FROM message_block WHERE account_id = ? AND channel_id = ? AND kept_at < ?`;
  // Blocks may overlap in time, because messages from a channel's history are stored later.
  const deleteBeyond = database.prepare(
    `DELETE FROM message_block
     WHERE account_id = :accountId AND channel_id = :channelId AND sent_to < (
       SELECT sent_from FROM (
         SELECT sent_from, SUM(count) OVER (ORDER BY sent_from DESC) AS newer FROM message_block
         WHERE account_id = :accountId AND channel_id = :channelId
       ) WHERE newer >= :max ORDER BY sent_from DESC LIMIT 1
     )`, // with fewer messages there is no such row, and no value is less than NULL
  );
  return {
    pruneByAge({ accountId, channelId }: OverheardKey, now: number): void {
      if (contextDays > 0) deleteBefore.run(accountId, channelId, now - contextDays * DAY_MS);
    },
    pruneByNumber({ accountId, channelId }: OverheardKey): void {
      deleteBeyond.run({ accountId, channelId, max: contextPerChannel });
    },
  };
}

/**
 * Prepares the sweep of all channels with context, because old messages of silent channels must be
 * deleted, too.
 *
 * @returns The next channel, from the first again after the last; none if no channel has context.
 * `isLast` ends a round.
 */
function prepareSweep(
  database: DatabaseSync,
): () => { readonly key?: OverheardKey; readonly isLast: boolean } {
  const sql = statementsOf(database);
  const select = sql`SELECT account_id, channel_id FROM message_block
     WHERE (account_id, channel_id) > (?, ?)
     ORDER BY account_id, channel_id LIMIT 1`;
  let last: readonly [accountId: string, channelId: string] = ["", ""];
  return () => {
    const row = select.get(...last) ?? select.get("", "");
    if (!row) return { isLast: true };
    const key: OverheardKey = CHANNEL.read(row);
    last = [key.accountId, key.channelId];
    return { key, isLast: select.get(...last) === undefined };
  };
}

const CHANNEL = rows({ accountId: account(), channelId: snowflake<"channel">() });
