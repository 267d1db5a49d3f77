/**
 * Adds the use of models to the table, within a transaction of the caller's, and deletes old use in
 * small steps (X6).
 */

import type { DatabaseSync } from "node:sqlite";
import { type Charge, dayOf } from "../../core/spending/usage.ts";
import type { Tail } from "../database/tail.ts";
import { TOLD_BUDGET } from "../schema/usage.ts";

/** The use of models by a turn, for the tables. */
export interface UsageRecord {
  readonly charges: readonly Charge[];
  /** A person who learns that a budget is spent. */
  readonly told?: { readonly userId: string; readonly day: number };
}

/** Adds use of models. */
export interface UsageRows {
  /** Adds charges: those of one day and purpose share a row. */
  add(record: UsageRecord): void;
}

/** The sums of a row. */
interface Sums {
  requests: number;
  input: number;
  cached: number;
  output: number;
  micros: number;
  unpriced: number;
  ms: number;
  audioSec: number;
}

/** Prepares the statements. */
export function prepareUsageRows(database: DatabaseSync, tail: Tail): UsageRows {
  const insert = database.prepare(
    `INSERT INTO usage (day, user_id, channel_id, guild_id, agent_id, model, kind,
                        requests, input, cached, output, micros, unpriced, ms, audio_sec)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (day, user_id, channel_id, guild_id, agent_id, model, kind) DO UPDATE SET
       requests = requests + excluded.requests, input = input + excluded.input,
       cached = cached + excluded.cached, output = output + excluded.output,
       micros = micros + excluded.micros, unpriced = unpriced + excluded.unpriced,
       ms = ms + excluded.ms, audio_sec = audio_sec + excluded.audio_sec`,
  );
  const tell = TOLD_BUDGET.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const rows = tail.table<{ readonly key: UsageKey; readonly sums: Sums }>(({ key, sums }) => {
    const { requests, input, cached, output, micros, unpriced, ms, audioSec } = sums;
    insert.run(...key, requests, input, cached, output, micros, unpriced, ms, audioSec);
    return true;
  });

  function add(charge: Charge): void {
    const { userId, channelId, guildId = "", agentId, model, kind, at } = charge;
    const key: UsageKey = [dayOf(at), userId, channelId, guildId, agentId, model, kind];
    const name = key.join("\0");
    const row = rows.find(name);
    const sums = sumsOf(charge);
    if (row) addTo(row.sums, sums);
    else rows.add(name, { key, sums });
  }

  return {
    add({ charges, told }) {
      for (const charge of charges) add(charge);
      if (told) tell(told);
    },
  };
}

/** Day, user, channel, guild, agent, model and purpose. */
type UsageKey = readonly [number, string, string, string, string, string, string];

function sumsOf(charge: Charge): Sums {
  const { micros, inputTokens, cachedTokens, outputTokens, ms, audioSec } = charge;
  return {
    requests: 1,
    input: inputTokens,
    cached: cachedTokens,
    output: outputTokens,
    micros: micros ?? 0,
    unpriced: micros === undefined ? 1 : 0,
    ms: Math.round(ms),
    audioSec,
  };
}

function addTo(sums: Sums, more: Sums): void {
  sums.requests += more.requests;
  sums.input += more.input;
  sums.cached += more.cached;
  sums.output += more.output;
  sums.micros += more.micros;
  sums.unpriced += more.unpriced;
  sums.ms += more.ms;
  sums.audioSec += more.audioSec;
}

/** Maximum number of rows that a step deletes. */
const STEP_ROWS = 64;

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
    return usageDays > 0 &&
      Number(prune.run(today - usageDays, STEP_ROWS).changes) === STEP_ROWS;
  };
}
