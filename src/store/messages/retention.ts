/**
 * Deletes old records in small steps, so that no other transaction waits long for a step (X6).
 *
 * The rows of most tables are in the order of time: a step looks at the next ones, from the oldest on,
 * and begins anew once it meets one that stays.
 */

import type { DatabaseSync } from "node:sqlite";
import { dayOf } from "../../core/spending/budget.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { statementsOf } from "../database/commits.ts";
import { type DeclaredTable, integer, rows } from "../schema/columns.ts";
import { TABLES } from "../schema/tables.ts";
import { HELD_DAYS } from "../schema/outbox.ts";

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
export function preparePruner(database: DatabaseSync, retention: Retention, onPruned: () => void) {
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
