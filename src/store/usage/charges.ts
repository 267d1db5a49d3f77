/**
 * Adds the use of models to the table, within a transaction of the caller's.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type Charge, dayOf } from "../../core/spending/usage.ts";

/** What a turn adds to the tables of usage. */
export interface UsageRecord {
  /** Requests to models. */
  readonly charges: readonly Charge[];
  /** A person who learns that a budget is spent. */
  readonly told?: { readonly userId: string; readonly day: number };
}

/** Adds charges; those of one day and purpose share a row. */
export type InsertUsage = (record: UsageRecord) => void;

/** Prepares the adding. */
export function prepareInsertUsage(database: DatabaseSync): InsertUsage {
  const insert = database.prepare(
    `INSERT INTO usage
       (day, user_id, channel_id, guild_id, agent_id, model, kind, requests,
        input, cached, output, micros, unpriced, ms, audio_sec)
     VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (day, user_id, channel_id, guild_id, agent_id, model, kind) DO UPDATE SET
       requests = requests + 1, input = input + excluded.input,
       cached = cached + excluded.cached, output = output + excluded.output,
       micros = micros + excluded.micros, unpriced = unpriced + excluded.unpriced,
       ms = ms + excluded.ms, audio_sec = audio_sec + excluded.audio_sec`,
  );
  const tell = database.prepare("INSERT OR IGNORE INTO told_budget (day, user_id) VALUES (?, ?)");
  return ({ charges, told }) => {
    for (const charge of charges) {
      const { userId, channelId, guildId = "", agentId, model, kind, micros } = charge;
      insert.run(
        dayOf(charge.at),
        userId,
        channelId,
        guildId,
        agentId,
        model,
        kind,
        charge.inputTokens,
        charge.cachedTokens,
        charge.outputTokens,
        micros ?? 0,
        micros === undefined ? 1 : 0,
        Math.round(charge.ms),
        charge.audioSec,
      );
    }
    if (told) tell.run(told.day, told.userId);
  };
}
