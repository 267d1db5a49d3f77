/**
 * Deletes old use of models, in small steps (X6).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { dayOf } from "../../core/spending/usage.ts";

/** How long the use of models is kept. */
export interface UsageRetention {
  /** `store.retention.usageDays`: days to keep it, beside today; for ever if 0 or absent. */
  readonly usageDays?: number;
}

/** Maximum number of rows that a step deletes. */
const STEP_ROWS = 64;

/**
 * Prepares the deletion. Rows are stored in the order of days, so a step without old rows reads one.
 *
 * @returns Takes a step; `now` is Unix time in milliseconds.
 */
export function preparePruneUsage(
  database: DatabaseSync,
  { usageDays = 0 }: UsageRetention,
): (now: number) => void {
  const prune = database.prepare(
    `DELETE FROM usage
     WHERE (day, user_id, channel_id, guild_id, agent_id, model, kind) IN (
       SELECT day, user_id, channel_id, guild_id, agent_id, model, kind FROM usage
       WHERE day < ? ORDER BY day LIMIT ?
     )`,
  );
  const pruneTold = database.prepare(
    `DELETE FROM told_budget WHERE (day, user_id) IN (
       SELECT day, user_id FROM told_budget WHERE day < ? ORDER BY day LIMIT ?
     )`,
  );
  return (now) => {
    const today = dayOf(now);
    pruneTold.run(today - 1, STEP_ROWS); // the clock may be set back a little
    if (usageDays > 0) prune.run(today - usageDays, STEP_ROWS);
  };
}
