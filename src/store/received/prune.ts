/**
 * Deletes old rows of tables in small steps (X6): transcripts with their turns, and tables that grow
 * slowly.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { dayOf } from "../../core/spending/usage.ts";
import { TOLD_WITHIN_MS } from "../../core/inbound/verdict.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { integer, rows } from "../schema/columns.ts";

/** How long transcripts are kept. */
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

/** Tables of turns, with the time of a row, and the condition of rows that may go. */
const TABLES = [
  { table: "step", at: "at", mayGo: "1" },
  { table: "entry", at: "at", mayGo: "1" },
  { table: "checkpoint", at: "at", mayGo: "last_entry < (SELECT MIN(id) FROM entry)" },
  { table: "inbox", at: "accepted_at", mayGo: "finished_at IS NOT NULL" },
  {
    table: "outbox",
    at: "created_at",
    mayGo: `(state IN ('sent', 'dropped', 'folded', 'withdrawn')
      OR (state IN ('dead', 'uncertain') AND created_at < :heldBefore))`,
  },
] as const;

/** Days for which the operator may decide about a message that did not arrive. */
export const HELD_DAYS = 30;

const NEXT = rows({ id: integer(), at: integer() });
const NUMBER = rows({ number: integer() });

/**
 * Prepares the deletion.
 *
 * @param onPruned Called if entries were deleted, which memory may have.
 * @returns Takes a step, and returns whether there may be more to do; `now` is Unix time in
 * milliseconds.
 */
export function preparePruneTranscripts(
  database: DatabaseSync,
  { transcriptsDays = 0, maxMb = Infinity }: TranscriptRetention,
  onPruned: () => void,
): (now: number) => boolean {
  const sweeps = TABLES.map((table) => prepareSweep(database, table));
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

function prepareSweep(
  database: DatabaseSync,
  { table, at, mayGo }: (typeof TABLES)[number],
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

/** Days without a message after which catch-up does not read a direct channel any more. */
export const DIRECT_CHANNEL_DAYS = 400;
/** Records that the tables refused: the newest ones stay for the operator. */
export const REFUSED_MAX = 1_000;

/** Days after which events of hooks are forgotten, with the ids by which a repeated one is known. */
export const HOOK_EVENTS_KEPT_DAYS = 30;

/** Milliseconds between two looks at the direct channels, which have no index by time. */
const LOOK_EVERY_MS = DAY_MS;

/**
 * Deletes old rows of tables that grow slowly and have no key of `store.retention` (X6).
 *
 * @returns Takes a step, and returns whether there may be more to do.
 */
export function preparePruneSeldom(database: DatabaseSync): (now: number) => boolean {
  const sql = statementsOf(database);
  const pruneRefused = sql`DELETE FROM journal_refused WHERE id IN (
       SELECT id FROM journal_refused WHERE id <= (
         SELECT id FROM journal_refused ORDER BY id DESC LIMIT 1 OFFSET ${REFUSED_MAX}
       ) ORDER BY id LIMIT ${STEP_ROWS}
     )`;
  const pruneDirect = sql`DELETE FROM direct_channel WHERE (account_id, channel_id) IN (
       SELECT account_id, channel_id FROM direct_channel WHERE active_at < ? LIMIT ${STEP_ROWS}
     )`;
  const pruneUntold = sql`DELETE FROM unanswered WHERE (account_id, message_id) IN (
       SELECT account_id, message_id FROM unanswered WHERE at < ? LIMIT ${STEP_ROWS}
     )`;
  const kept = HOOK_EVENTS_KEPT_DAYS * DAY_MS;
  const pruneHooks = [
    `DELETE FROM hook_event WHERE id IN (
       SELECT id FROM hook_event WHERE received_at < ? AND run_id IS NOT NULL LIMIT ${STEP_ROWS})`,
    `DELETE FROM hook_run WHERE id IN (
       SELECT id FROM hook_run WHERE started_at < ? AND state IN ('done', 'refused')
       LIMIT ${STEP_ROWS})`,
    // The last events of a key are its last runs: without any, nothing happened for those days.
    `DELETE FROM hook_incident WHERE id IN (
       SELECT id FROM hook_incident WHERE started_at < ?
         AND id NOT IN (SELECT incident_row FROM hook_run WHERE incident_row IS NOT NULL)
       LIMIT ${STEP_ROWS})`,
  ].map((sql) => database.prepare(sql));
  let lookedAt = -Infinity;
  return (now) => {
    const isMore = Number(pruneRefused.run().changes) === STEP_ROWS ||
      Number(pruneUntold.run(now - TOLD_WITHIN_MS).changes) === STEP_ROWS;
    if (Math.abs(now - lookedAt) < LOOK_EVERY_MS) return isMore;
    for (const statement of pruneHooks) {
      if (Number(statement.run(now - kept).changes) === STEP_ROWS) return true;
    }
    const deleted = Number(pruneDirect.run(now - DIRECT_CHANNEL_DAYS * DAY_MS).changes);
    if (deleted < STEP_ROWS) lookedAt = now;
    return isMore || deleted === STEP_ROWS;
  };
}

/**
 * Prepares the deletion. Rows are stored in the order of days, so a step without old rows reads one.
 *
 * @returns Takes a step, and returns whether there may be more to do; `now` is Unix time in
 * milliseconds.
 */
export function preparePruneUsage(
  database: DatabaseSync,
  { usageDays = 0 }: {
    /** `store.retention.usageDays`: days to keep it, beside today; for ever if 0 or absent. */
    readonly usageDays?: number;
  },
): (now: number) => boolean {
  const sql = statementsOf(database);
  const prune = sql`DELETE FROM usage
     WHERE (day, user_id, channel_id, guild_id, agent_id, model, kind) IN (
       SELECT day, user_id, channel_id, guild_id, agent_id, model, kind FROM usage
       WHERE day < ? ORDER BY day LIMIT ?
     )`;
  const pruneTold = sql`DELETE FROM told_budget WHERE (day, user_id) IN (
       SELECT day, user_id FROM told_budget WHERE day < ? ORDER BY day LIMIT ?
     )`;
  return (now) => {
    const today = dayOf(now);
    pruneTold.run(today - 1, STEP_ROWS); // the clock may be set back a little
    return usageDays > 0 &&
      Number(prune.run(today - usageDays, STEP_ROWS).changes) === STEP_ROWS;
  };
}
