/**
 * Adds the use of models to the table, within a transaction of the caller's, and deletes old use in
 * small steps (X6).
 */

import type { DatabaseSync } from "node:sqlite";
import { type Charge, dayOf } from "../../core/spending/usage.ts";
import { TOLD_BUDGET, USAGE } from "../schema/usage.ts";

/** What a turn adds to the tables of usage. */
export interface UsageRecord {
  readonly charges: readonly Charge[];
  /** A person who learns that a budget is spent. */
  readonly told?: { readonly userId: string; readonly day: number };
}

/** Adds charges; those of one day and purpose share a row. */
export type InsertUsage = (record: UsageRecord) => void;

/** Prepares the adding. */
export function prepareInsertUsage(database: DatabaseSync): InsertUsage {
  const insert = USAGE.prepareInsert(
    database,
    `ON CONFLICT (day, user_id, channel_id, guild_id, agent_id, model, kind) DO UPDATE SET
       requests = requests + 1, input = input + excluded.input,
       cached = cached + excluded.cached, output = output + excluded.output,
       micros = micros + excluded.micros, unpriced = unpriced + excluded.unpriced,
       ms = ms + excluded.ms, audio_sec = audio_sec + excluded.audio_sec`,
  );
  const tell = TOLD_BUDGET.prepareInsert(database, "ON CONFLICT DO NOTHING");
  return ({ charges, told }) => {
    for (const charge of charges) {
      const { userId, channelId, guildId = "", agentId, model, kind, micros } = charge;
      insert({
        day: dayOf(charge.at),
        userId,
        channelId,
        guildId,
        agentId,
        model,
        kind,
        requests: 1,
        input: charge.inputTokens,
        cached: charge.cachedTokens,
        output: charge.outputTokens,
        micros: micros ?? 0,
        unpriced: micros === undefined ? 1 : 0,
        ms: Math.round(charge.ms),
        audioSec: charge.audioSec,
      });
    }
    if (told) tell(told);
  };
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
  { usageDays = 0 }: {
    /** `store.retention.usageDays`: days to keep it, beside today; for ever if 0 or absent. */
    readonly usageDays?: number;
  },
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
