/**
 * Deletes old rows of tables that grow slowly and have no key of `store.retention` (X6).
 */

import type { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../lib/clock.ts";

/** Days without a message after which catch-up does not read a direct channel any more. */
export const DIRECT_CHANNEL_DAYS = 400;
/** Records that the tables refused: the newest ones stay for the operator. */
export const REFUSED_MAX = 1_000;

/** Days after which events of hooks are forgotten, with the ids by which a repeated one is known. */
export const HOOK_EVENTS_KEPT_DAYS = 30;

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
    const isMore = Number(pruneRefused.run().changes) === STEP_ROWS;
    if (Math.abs(now - lookedAt) < LOOK_EVERY_MS) return isMore;
    for (const statement of pruneHooks) {
      if (Number(statement.run(now - kept).changes) === STEP_ROWS) return true;
    }
    const deleted = Number(pruneDirect.run(now - DIRECT_CHANNEL_DAYS * DAY_MS).changes);
    if (deleted < STEP_ROWS) lookedAt = now;
    return isMore || deleted === STEP_ROWS;
  };
}
