/**
 * Deletes old rows of tables in small steps (X6): transcripts with their turns, and tables that grow
 * slowly.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { dayOf } from "../../core/spending/usage.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { integer, type Keeps, rows } from "../schema/columns.ts";
import { TABLES } from "../schema/tables.ts";

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
  const sweeps = TABLES.flatMap(({ name, keeps }) =>
    keeps?.days === "transcriptsDays" ? [prepareSweep(database, name, keeps)] : []
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

function prepareSweep(
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
