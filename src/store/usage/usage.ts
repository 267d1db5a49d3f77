/**
 * `store.usage`: the use of models by day, person, place, model and purpose (L5, X4).
 *
 * Turns add theirs with TS and T3. Other requests are added a moment later.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf, UNNAMED } from "../database/commits.ts";
import type { Spent, SpentBy, SpentIn } from "../../core/spending/budget.ts";
import { type Charge, dayOf, monthStartOf, type UsedBy } from "../../core/spending/budget.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Transactions } from "../database/commits.ts";
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
  guildId: text(),
  agentId: text(),
  isOfDay: flag(),
  tokens: integer(),
  micros: integer(),
  audioSec: real(),
  unpriced: integer(),
});

export function createUsage(
  { database, sql, commit, read }: Transactions,
  spent: ReturnType<typeof createSpentToday>,
  rows: UsageRows = prepareUsageRows(database),
) {
  const selectSpent = sql`
    SELECT user_id, guild_id, agent_id, day = :day AS is_of_day, SUM(input + output) AS tokens,
           SUM(micros) AS micros, SUM(audio_sec) AS audio_sec, SUM(unpriced) AS unpriced
    FROM usage WHERE day >= :monthStart AND day <= :day
    GROUP BY user_id, guild_id, agent_id, day = :day`;
  const selectTold = sql`SELECT user_id FROM told_budget WHERE day = ?`;
  const selectOneTold = sql`SELECT 1 FROM told_budget WHERE day = ? AND user_id = ?`;
  const selectKnown = sql`SELECT 1 FROM usage WHERE user_id = ? AND day < ? LIMIT 1`;
  const selectSum = sql`SELECT ${SUMS} FROM usage WHERE day >= ?`;
  const selectSumOf = sql`SELECT ${SUMS} FROM usage WHERE day >= ? AND user_id = ?`;

  function rowsOf(day: number) {
    const monthStart = monthStartOf(day * DAY_MS);
    return selectSpent.all({ day, monthStart }).map((row) => {
      const { guildId, ...spent } = SPENT.read(row);
      return { ...spent, guildId: guildId !== "" ? guildId : undefined };
    });
  }

  function load(day: number): readonly SpentRow[] {
    const charged = rowsOf(day);
    spent.load(day, charged, selectTold.all(day).map((row) => String(row["user_id"])));
    return charged;
  }

  return {
    /**
     * The sums of today and of its month that a request counts for. From memory, but for the first call
     * of a day.
     */
    async spentBy(by: UsedBy, now: number): Promise<SpentBy> {
      const day = dayOf(now);
      return spent.of(by, day) ?? await read(() => {
        const charged = load(day);
        return spent.of(by, day) ?? sumOf(charged, by);
      });
    },
    /** The sums of today and of its month, by the id of the guild. From memory, as `spentBy`. */
    async spentByGuild(now: number): Promise<ReadonlyMap<string, SpentIn>> {
      const day = dayOf(now);
      return spent.guilds(day) ?? await read(() => {
        const charged = load(day);
        return spent.guilds(day) ?? createSums(day, charged).guilds;
      });
    },
    /** Whether a person knows that a budget of the day is spent. */
    async isTold(userId: string, now: number) {
      const day = dayOf(now);
      return spent.isTold(userId, day) ??
        await read(() => selectOneTold.get(day, userId) !== undefined);
    },
    /** Whether a model was asked for a person on an earlier day. */
    isKnown: (userId: string, now: number) =>
      read(() => selectKnown.get(userId, dayOf(now)) !== undefined),
    /** Counts requests at once. The table has them a moment later. */
    add(charges: readonly Charge[]) {
      const end = spent.begin(charges);
      commit(UNNAMED, () => rows.add({ charges })).then(() => end(true), () => end(false));
    },
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

/** The sums without memory, while charges are being written. */
function sumOf(rows: readonly SpentRow[], by: UsedBy): SpentBy {
  const sumWhere = (isIn: (row: SpentRow) => boolean) => rows.filter(isIn).reduce(grown, NONE);
  return {
    user: sumWhere(({ userId }) => userId === by.userId),
    guild: by.guildId !== undefined ? sumWhere(({ guildId }) => guildId === by.guildId) : undefined,
    agent: sumWhere(({ agentId }) => agentId === by.agentId),
    total: sumWhere(() => true),
  };
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
export function prepareUsageRows(database: DatabaseSync) {
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

  return {
    /** Adds charges: those of one day and purpose share a row. */
    add({ charges, told }: UsageRecord) {
      for (const charge of charges) add(charge);
      if (told) tell(told);
    },
  };
}

export type UsageRows = ReturnType<typeof prepareUsageRows>;

interface SpentRow extends Pick<Charge, "userId" | "guildId" | "agentId">, Spent {
  /** Whether they are of the day; else of earlier days of its month. */
  readonly isOfDay: boolean;
}

const NOTHING: Spent = { tokens: 0, micros: 0, audioSec: 0, unpriced: 0 };
const NONE: SpentIn = { day: NOTHING, month: NOTHING };

/**
 * Keeps the sums of the use of models, of today and of its month, in memory, so that the check of a
 * budget reads no rows.
 *
 * The table has all of it. The sums begin with the first check of a day, and are forgotten if they
 * may differ from the table.
 *
 * Creates empty memory.
 */
export function createSpentToday() {
  let loaded: ReturnType<typeof createSums> | undefined;
  let writing = 0;

  return {
    /** The sums of a day and its month; `undefined` if they are not in memory. */
    of(by: UsedBy, day: number): SpentBy | undefined {
      if (loaded?.day !== day) return undefined;
      const { users, guilds, agents, total } = loaded;
      return {
        user: users.get(by.userId) ?? NONE,
        guild: by.guildId !== undefined ? guilds.get(by.guildId) ?? NONE : undefined,
        agent: agents.get(by.agentId) ?? NONE,
        total: total(),
      };
    },
    /** The sums of each guild; `undefined` if they are not in memory. */
    guilds: (day: number): ReadonlyMap<string, SpentIn> | undefined =>
      loaded?.day === day ? loaded.guilds : undefined,
    /** Whether a person was told on that day; `undefined` if that is not in memory. */
    isTold: (userId: string, day: number): boolean | undefined =>
      loaded?.day === day ? loaded.told.has(userId) : undefined,
    /** Takes the sums of a day and its month from the table, unless a write is under way. */
    load(day: number, rows: Iterable<SpentRow>, told: Iterable<string>): void {
      if (writing > 0) return; // some of the rows may be in neither
      loaded = createSums(day, rows, told);
    },
    /**
     * Counts charges before they are stored.
     *
     * @returns Called once they are stored, or were refused.
     */
    begin(charges: readonly Charge[], told?: string): (isStored: boolean) => void {
      if (charges.length === 0 && told === undefined) return () => {};
      writing++;
      for (const charge of charges) {
        const day = dayOf(charge.at);
        if (!loaded || day > loaded.day || day < monthStartOf(loaded.day * DAY_MS)) continue;
        loaded.add({
          ...charge,
          isOfDay: day === loaded.day,
          tokens: charge.inputTokens + charge.outputTokens,
          micros: charge.micros ?? 0,
          unpriced: charge.micros === undefined ? 1 : 0,
        });
      }
      if (told !== undefined) loaded?.told.add(told);
      return (isStored) => {
        writing--;
        if (!isStored) loaded = undefined;
      };
    },
    forget: (): void => void (loaded = undefined),
  };
}

function createSums(day: number, rows: Iterable<SpentRow>, toldUsers: Iterable<string> = []) {
  const users = new Map<string, SpentIn>();
  const guilds = new Map<string, SpentIn>();
  const agents = new Map<string, SpentIn>();
  let total = NONE;
  const grow = (sums: Map<string, SpentIn>, key: string, by: SpentRow) =>
    void sums.set(key, grown(sums.get(key) ?? NONE, by));
  const add = (row: SpentRow): void => {
    grow(users, row.userId, row);
    if (row.guildId !== undefined) grow(guilds, row.guildId, row);
    grow(agents, row.agentId, row);
    total = grown(total, row);
  };
  for (const row of rows) add(row);
  return { day, users, guilds, agents, told: new Set(toldUsers), total: () => total, add };
}

function grown({ day, month }: SpentIn, row: SpentRow): SpentIn {
  return { day: row.isOfDay ? sum(day, row) : day, month: sum(month, row) };
}

function sum(one: Spent, other: Spent): Spent {
  return {
    tokens: one.tokens + other.tokens,
    micros: one.micros + other.micros,
    audioSec: one.audioSec + other.audioSec,
    unpriced: (one.unpriced ?? 0) + (other.unpriced ?? 0),
  };
}
