/**
 * Deletes old transcripts, with the messages, steps and answers of their turns, in small steps (X6).
 *
 * Numbers of rows rise with time. So a step reads a range of them from the oldest. A cursor goes
 * on behind rows that must stay, such as unsent messages.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { DAY_MS } from "../../lib/clock.ts";

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

const idSchema = z.object({ id: column.number, at: column.number });
const numberSchema = z.object({ number: column.number });

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
  const selectNext = database.prepare(
    `SELECT id, ${at} AS at FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`,
  );
  const prune = database.prepare(
    `DELETE FROM ${table} WHERE id >= :from AND id < :to AND ${at} < :before AND ${mayGo}`,
  );
  const needsHeld = mayGo.includes(":heldBefore");
  let cursor = 0;
  return (before, heldBefore) => {
    const row = selectNext.get(cursor);
    const next = row && idSchema.parse(row);
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
  const numberOf = (name: string) => {
    const select = database.prepare(`SELECT ${name} AS number FROM pragma_${name}`);
    return () => numberSchema.parse(select.get()).number;
  };
  const [pages, free, size] = [
    numberOf("page_count"),
    numberOf("freelist_count"),
    numberOf("page_size"),
  ];
  return () => maxMb !== Infinity && (pages() - free()) * size() > maxMb * MB;
}
