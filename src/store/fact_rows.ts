/**
 * What verdicts were made from, each said once: the same sender in the same place gives the same
 * facts again, so decisions name a row of them.
 *
 * Rows grow old together. A process names only rows that it has made itself, in the generation that
 * is open, and a generation ends when it is full, after a day, and with the process. Ids rise, so
 * the rows of a generation have all those of earlier ones below them, and a generation is numbered
 * by its first row. Decisions are numbered in the order of deciding, and so are their generations:
 * what the oldest decision names tells the oldest generation that any of them does. Nobody names a
 * row below that one, nor will, and it goes; what is named is neither counted nor searched.
 *
 * So there are hardly more rows than decisions and one generation's, however many strangers write;
 * and a row outlives the last decision that names it by a generation at most.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { DAY_MS } from "../core/day.ts";

/** The rows of the open generation, within transactions of the caller's. */
export interface FactRows {
  /**
   * @param facts JSON.
   * @returns The row that says the same, if there is one.
   */
  find(facts: string): number | undefined;
  /** Makes a row of what was not found. */
  add(facts: string): number;
  /** Ends the generation: rows may be gone of which this process thinks that they are there. */
  forget(): void;
}

export interface FactRowsOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  /** Rows of a generation, from 1. */
  readonly max?: number;
}

/** Some 200 bytes of memory for each: their digest, however long they are themselves. */
const GENERATION_MAX = 10_000;

const nextSchema = z.object({ next: z.number() });

export function prepareFactRows(
  database: DatabaseSync,
  { elapsed, max = GENERATION_MAX }: FactRowsOptions,
): FactRows {
  const selectNext = database.prepare("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM fact");
  const insert = database.prepare("INSERT INTO fact (id, generation, facts) VALUES (?, ?, ?)");
  const rows = new Map<string, number>();
  let generation = 0;
  let begunAt = 0;

  function begin(): void {
    generation = nextSchema.parse(selectNext.get()).next;
    begunAt = elapsed();
  }

  return {
    find(facts) {
      if (rows.size > 0 && elapsed() - begunAt >= DAY_MS) rows.clear();
      return rows.get(digestOf(facts));
    },
    add(facts) {
      if (rows.size >= max) rows.clear();
      if (rows.size === 0) begin();
      const id = generation + rows.size;
      insert.run(id, generation, facts);
      rows.set(digestOf(facts), id);
      return id;
    },
    forget: () => rows.clear(),
  };
}

/** Short, for a member of 250 roles has facts of 15 kB. */
function digestOf(facts: string): string {
  return hash("sha256", facts, "base64");
}

const oldestSchema = z.object({ generation: z.number().nullable() });

/**
 * @returns What forgets rows that no decision names, at most so many, within a transaction of the
 * caller's.
 */
export function preparePruneFacts(
  database: DatabaseSync,
  factRows: FactRows,
): (atMost: number) => void {
  const selectOldest = database.prepare(
    `SELECT f.generation FROM decision AS d LEFT JOIN fact AS f ON f.id = d.fact_row
     ORDER BY d.id LIMIT 1`,
  );
  const prune = database.prepare(
    "DELETE FROM fact WHERE id IN (SELECT id FROM fact WHERE id < ? ORDER BY id LIMIT ?)",
  );
  return (atMost) => {
    const oldest = selectOldest.get();
    if (!oldest) {
      factRows.forget(); // the open generation goes, too
      prune.run(Number.MAX_SAFE_INTEGER, atMost);
      return;
    }
    const { generation } = oldestSchema.parse(oldest);
    // An older Barnacle's decision names none, and says nothing of those behind it.
    if (generation !== null) prune.run(generation, atMost);
  };
}
