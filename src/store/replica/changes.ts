/**
 * Keeps the changes of rows that hold over all partitions, in one order (O16).
 *
 * Their numbers are microseconds of the database's clock. So numbers grow also after a failover to a
 * replica that lags, and a partition that has taken lost changes misses none of those that follow.
 */

import { z } from "zod";
import type { Sql } from "postgres";
import {
  COUNTS,
  FORGOTTEN,
  type OrderedChange,
  type RowChange,
} from "../../core/partitions/shared_rows.ts";
import { inTransaction } from "./dial.ts";
import { notify } from "./listen.ts";
import type { AnySql } from "./tables.ts";

/** Any constant: changes get their numbers in the order of their commits. */
const LOCK = 7_162_034;

/**
 * After these days, an earlier change of a row goes even if a partition lacks it: it takes the later
 * one. Before that, the sender could send it again, behind the later one.
 */
const KEPT_DAYS = 7;

/** Changes to read at once. */
const AT_ONCE = 500;

const changeSchema: z.ZodType<OrderedChange> = z.object({
  sequence: z.number(),
  id: z.string(),
  name: z.string(),
  key: z.string(),
  value: z.string().nullable(),
});

/**
 * Adds changes behind all others; one that is there already stays where it is.
 *
 * @param position Number of the last change that the sender has taken.
 * @returns Whether they were added: they are not while the sender lacks a person to forget, because
 * they may have rows of that person.
 */
export async function appendChanges(
  sql: Sql,
  changes: readonly RowChange[],
  position: number,
): Promise<boolean> {
  return await inTransaction(sql, async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
    const [lacking] = await sql`
      SELECT 1 FROM barnacle.changes WHERE name = ${FORGOTTEN} AND sequence > ${position} LIMIT 1`;
    if (lacking) return false;
    for (const { name, key } of changes) {
      // Earlier changes name the person, too.
      const [userId] = name === FORGOTTEN ? z.string().array().parse(JSON.parse(key)) : [];
      if (userId === undefined) continue;
      await sql`
        DELETE FROM barnacle.changes
        WHERE name <> ${FORGOTTEN}
          AND (strpos(key, ${userId}) > 0 OR strpos(coalesce(value, ''), ${userId}) > 0)`;
    }
    // Words that a row has no more must not stay in its earlier changes, which keep their numbers.
    await sql`
      WITH added AS (
        INSERT INTO barnacle.changes (sequence, id, name, key, value, at)
        SELECT greatest(
            (SELECT coalesce(max(sequence), 0) FROM barnacle.changes),
            (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
          ) + place, change ->> 'id', change ->> 'name', change ->> 'key', change ->> 'value',
          clock_timestamp()
        FROM json_array_elements(${JSON.stringify(changes)}::text::json)
          WITH ORDINALITY AS one (change, place)
        ON CONFLICT (id) DO NOTHING
        RETURNING name, key, value
      )
      UPDATE barnacle.changes AS earlier SET value = added.value FROM added
      WHERE earlier.name = added.name AND earlier.key = added.key
        AND (added.value IS NULL OR earlier.name <> ${COUNTS})`;
    // The use of models changes with each reply. Notices of it would make each process look at once,
    // find that it changed meanwhile, and send it with one more notice.
    if (changes.some(({ name }) => name !== COUNTS)) await notify(sql);
    return true;
  });
}

/** Reads the changes behind a number, in their order, up to a bounded number. */
export async function readChanges(sql: AnySql, after: number): Promise<readonly OrderedChange[]> {
  const rows = await sql`
    SELECT sequence::float8 AS sequence, id, name, key, value FROM barnacle.changes
    WHERE sequence > ${after} ORDER BY sequence LIMIT ${AT_ONCE}`;
  return changeSchema.array().parse(rows);
}

/**
 * Stores how far a partition is, and deletes the changes that all partitions have taken.
 *
 * @param position Number of the last change that no takeover can take from the partition again.
 */
export async function confirmChanges(
  sql: AnySql,
  partition: number,
  position: number,
): Promise<void> {
  await sql`
    INSERT INTO barnacle.positions (partition, applied) VALUES (${partition}, ${position})
    ON CONFLICT (partition) DO UPDATE SET applied = excluded.applied`;
  // The last one stays: the next number must be higher.
  await sql`
    DELETE FROM barnacle.changes
    WHERE sequence < (SELECT max(sequence) FROM barnacle.changes) AND sequence <= (
      SELECT min(coalesce(applied, 0))
      FROM barnacle.store LEFT JOIN barnacle.positions USING (partition)
    )`;
  await sql`
    DELETE FROM barnacle.changes AS earlier
    WHERE at < clock_timestamp() - ${KEPT_DAYS} * interval '1 day' AND EXISTS (
      SELECT 1 FROM barnacle.changes AS later
      WHERE later.name = earlier.name AND later.key = earlier.key
        AND later.sequence > earlier.sequence
    )`;
}
