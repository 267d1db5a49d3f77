/**
 * `store.usage`: the use of models by day, person, place, model and purpose (L5, X4).
 *
 * Turns add theirs with TS and T3. Other requests are added a moment later.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type Charge,
  dayOf,
  monthStartOf,
  type Spent,
  type SpentBy,
  type SpentIn,
  type UsedBy,
} from "../../core/spending/budget.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { statementsOf, type Transactions, UNNAMED } from "../database/commits.ts";
import { ADD_USAGE, TOLD_BUDGET } from "../schema/agent.ts";
import { flag, integer, real, rows, text } from "../schema/columns.ts";

/** Columns by which sums can be grouped. */
const USAGE_FIELDS = {
  day: "day",
  user: "user_id",
  channel: "channel_id",
  guild: "guild_id",
  agent: "agent_id",
  model: "model",
  kind: "kind",
} as const;

/** A field by which sums can be grouped. */
export type UsageField = keyof typeof USAGE_FIELDS;

const SUMS = `COALESCE(SUM(requests), 0) AS requests, COALESCE(SUM(input), 0) AS input_tokens,
  COALESCE(SUM(cached), 0) AS cached_tokens, COALESCE(SUM(output), 0) AS output_tokens,
  COALESCE(SUM(micros), 0) AS micros, COALESCE(SUM(unpriced), 0) AS unpriced,
  COALESCE(SUM(ms), 0) AS ms, COALESCE(SUM(audio_sec), 0) AS audio_sec`;

const SUM = rows({
  requests: integer(),
  inputTokens: integer(),
  cachedTokens: integer(),
  outputTokens: integer(),
  micros: integer(), // millionths of the currency, of requests with a known price
  unpriced: integer(), // number of requests without a known price
  ms: integer(), // of all requests together
  audioSec: real(),
});

export type UsageSum = ReturnType<typeof SUM.read>;

const SPENT = rows({
  userId: text(),
  guildId: text(), // empty in direct messages
  agentId: text(),
  isOfDay: flag(), // else of earlier days of its month
  tokens: integer(),
  micros: integer(),
  audioSec: real(),
  unpriced: integer(),
});

type SpentRow = ReturnType<typeof SPENT.read>;

export function createUsage(
  { database, sql, commit, read }: Transactions,
) {
  const addUsage = prepareAddUsage(database);
  const selectSpent = sql.rows(SPENT.read)`
    SELECT user_id, guild_id, agent_id, day = :day AS is_of_day, SUM(input + output) AS tokens,
           SUM(micros) AS micros, SUM(audio_sec) AS audio_sec, SUM(unpriced) AS unpriced
    FROM usage WHERE day >= :monthStart AND day <= :day
    GROUP BY user_id, guild_id, agent_id, day = :day`;
  const selectOneTold = sql`SELECT 1 FROM told_budget WHERE day = ? AND user_id = ?`;
  const selectKnown = sql`SELECT 1 FROM usage WHERE user_id = ? AND day < ? LIMIT 1`;
  const selectSum = sql`SELECT ${SUMS} FROM usage WHERE day >= ?`;
  const selectSumOf = sql`SELECT ${SUMS} FROM usage WHERE day >= ? AND user_id = ?`;

  /** The use of models of a day and of its month so far. */
  function spentIn(now: number): readonly SpentRow[] {
    const day = dayOf(now);
    return selectSpent.all({ day, monthStart: monthStartOf(day * DAY_MS) });
  }

  return {
    /** The sums of today and of its month that a request counts for. */
    spentBy: (by: UsedBy, now: number): Promise<SpentBy> =>
      read(() => {
        const all = spentIn(now);
        return {
          user: sumOf(all.filter(({ userId }) => userId === by.userId)),
          guild: by.guildId !== undefined
            ? sumOf(all.filter(({ guildId }) => guildId === by.guildId))
            : undefined,
          agent: sumOf(all.filter(({ agentId }) => agentId === by.agentId)),
          total: sumOf(all),
        };
      }),
    /** The sums of today and of its month, by the id of the guild. */
    spentByGuild: (now: number): Promise<ReadonlyMap<string, SpentIn>> =>
      read(() => {
        const inGuilds = spentIn(now).filter(({ guildId }) => guildId !== "");
        const byGuild = Map.groupBy(inGuilds, ({ guildId }) => guildId);
        return new Map(Array.from(byGuild, ([guildId, rows]) => [guildId, sumOf(rows)]));
      }),
    /** Whether a person knows that a budget of the day is spent. */
    isTold: (userId: string, now: number) =>
      read(() => selectOneTold.get(dayOf(now), userId) !== undefined),
    /** Whether a model was asked for a person on an earlier day. */
    isKnown: (userId: string, now: number) =>
      read(() => selectKnown.get(userId, dayOf(now)) !== undefined),
    /** Adds charges. No caller waits until they are stored: a crash may lose the last ones. */
    add: (charges: readonly Charge[]): void =>
      void commit(UNNAMED, () => addUsage({ charges })).catch(() => {}), // `store.failure()` has it
    /**
     * Sums from a day on.
     *
     * @param fromDay Number of the first UTC day.
     * @param userId Only this person's; absent: all.
     */
    sum: (fromDay: number, userId?: string): Promise<UsageSum> =>
      read(() =>
        SUM.read(userId === undefined ? selectSum.get(fromDay) : selectSumOf.get(fromDay, userId))
      ),
    /** The same, by the values of a field; the most tokens first, at most 1,000. */
    sumBy: (
      field: UsageField,
      fromDay: number,
    ): Promise<readonly (UsageSum & { readonly value: string })[]> =>
      read(() =>
        sql`SELECT ${USAGE_FIELDS[field]} AS value, ${SUMS} FROM usage WHERE day >= ?
           GROUP BY 1 ORDER BY SUM(input + output) DESC, 1 LIMIT 1000`.all(fromDay).map((row) => ({
          ...SUM.read(row),
          value: String(row["value"]),
        }))
      ),
  };
}

export type Usage = ReturnType<typeof createUsage>;

function sumOf(rows: readonly SpentRow[]): SpentIn {
  return { day: sum(rows.filter(({ isOfDay }) => isOfDay)), month: sum(rows) };
}

function sum(rows: readonly SpentRow[]): Spent {
  const total = { tokens: 0, micros: 0, audioSec: 0, unpriced: 0 };
  for (const { tokens, micros, audioSec, unpriced } of rows) {
    total.tokens += tokens;
    total.micros += micros;
    total.audioSec += audioSec;
    total.unpriced += unpriced;
  }
  return total;
}

/** The use of models by a turn, for the tables. */
interface UsageRecord {
  readonly charges: readonly Charge[];
  /** A person who learns that a budget is spent. */
  readonly told?: { readonly userId: string; readonly day: number };
}

/**
 * Adds the use of models to the table, within a transaction of the caller's, and deletes old use in
 * small steps (X6).
 */
export function prepareAddUsage(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = sql`INSERT INTO usage (day, user_id, channel_id, guild_id, agent_id, model, kind,
                        requests, input, cached, output, micros, unpriced, ms, audio_sec)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ${ADD_USAGE}`;
  const tell = TOLD_BUDGET.prepareInsert(database, "ON CONFLICT DO NOTHING");
  function add(charge: Charge): void {
    const { userId, channelId, guildId = "", agentId, model, kind, at } = charge;
    const { micros, inputTokens, cachedTokens, outputTokens, ms, audioSec } = charge;
    const key = [dayOf(at), userId, channelId, guildId, agentId, model, kind];
    const tokens = [inputTokens, cachedTokens, outputTokens];
    const cost = [micros ?? 0, micros === undefined ? 1 : 0];
    insert.run(...key, 1, ...tokens, ...cost, Math.round(ms), audioSec);
  }

  return ({ charges, told }: UsageRecord): void => {
    for (const charge of charges) add(charge);
    if (told) tell(told);
  };
}
