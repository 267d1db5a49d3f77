/**
 * Deletes old rows of tables that grow slowly and have no key of `store.retention` (X6).
 */

import type { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../lib/clock.ts";

/** Days without a message after which catch-up does not read a direct channel any more. */
export const DIRECT_CHANNEL_DAYS = 400;
/** Records that the tables refused: the newest ones stay for the operator. */
export const REFUSED_MAX = 1_000;

/** Maximum number of rows that a step deletes. */
const STEP_ROWS = 64;
/** Milliseconds between two looks at the direct channels, which have no index by time. */
const LOOK_EVERY_MS = DAY_MS;

/**
 * Prepares the deletion.
 *
 * @returns Takes a step, and returns whether there may be more to do.
 */
export function preparePruneSeldom(database: DatabaseSync): (now: number) => boolean {
  const pruneRefused = database.prepare(
    `DELETE FROM journal_refused WHERE id IN (
       SELECT id FROM journal_refused WHERE id <= (
         SELECT id FROM journal_refused ORDER BY id DESC LIMIT 1 OFFSET ${REFUSED_MAX}
       ) ORDER BY id LIMIT ${STEP_ROWS}
     )`,
  );
  const pruneDirect = database.prepare(
    `DELETE FROM direct_channel WHERE (account_id, channel_id) IN (
       SELECT account_id, channel_id FROM direct_channel WHERE active_at < ? LIMIT ${STEP_ROWS}
     )`,
  );
  let lookedAt = -Infinity;
  return (now) => {
    const isMore = Number(pruneRefused.run().changes) === STEP_ROWS;
    if (Math.abs(now - lookedAt) < LOOK_EVERY_MS) return isMore;
    const deleted = Number(pruneDirect.run(now - DIRECT_CHANNEL_DAYS * DAY_MS).changes);
    if (deleted < STEP_ROWS) lookedAt = now;
    return isMore || deleted === STEP_ROWS;
  };
}
