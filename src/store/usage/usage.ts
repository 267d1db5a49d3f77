/**
 * `store.usage`: the use of models by day, person, place, model and purpose (L5, X4).
 *
 * Turns add theirs with TS and T3. Other requests are added a moment later.
 */

import type { DatabaseSync } from "node:sqlite";
import { flag, integer, real, rows, text } from "../schema/columns.ts";
import { TOLD_PROBLEM } from "../schema/usage.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { SpentBy } from "../../core/spending/budget.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { dayOf, monthStartOf, type UsedBy } from "../../core/spending/usage.ts";
import { createTail } from "../database/tail.ts";
import type { Transactions } from "../database/transact.ts";
import { grown, type SpentRow, type SpentToday } from "../memory/spent_today.ts";
import { prepareUsageRows, type UsageRecord, type UsageRows } from "./charges.ts";
import type { ModelProblems, Usage, UsageField } from "../../core/store/usage.ts";

/** Columns by which sums can be grouped. */
const USAGE_FIELDS: Readonly<Record<UsageField, string>> = {
  day: "day",
  user: "user_id",
  channel: "channel_id",
  guild: "guild_id",
  agent: "agent_id",
  model: "model",
  kind: "kind",
};

const SUMS = `COALESCE(SUM(requests), 0) AS requests, COALESCE(SUM(input), 0) AS input_tokens,
  COALESCE(SUM(cached), 0) AS cached_tokens, COALESCE(SUM(output), 0) AS output_tokens,
  COALESCE(SUM(micros), 0) AS micros, COALESCE(SUM(unpriced), 0) AS unpriced,
  COALESCE(SUM(ms), 0) AS ms, COALESCE(SUM(audio_sec), 0) AS audio_sec`;

const SUM = rows({
  requests: integer(),
  inputTokens: integer(),
  cachedTokens: integer(),
  outputTokens: integer(),
  micros: integer(),
  unpriced: integer(),
  ms: integer(),
  audioSec: real(),
});
const SPENT = rows({
  userId: text(),
  guildId: text(),
  agentId: text(),
  isOfDay: flag(),
  tokens: integer(),
  micros: integer(),
  audioSec: real(),
});

/** Creates the namespace. */
export function createUsage(
  database: DatabaseSync,
  { journaled, read }: Transactions,
  spent: SpentToday,
  rows: UsageRows = prepareUsageRows(database, createTail()),
): Usage {
  const charged = journaled<UsageRecord>("charges", rows.add);
  const selectSpent = database.prepare(
    `SELECT user_id, guild_id, agent_id, day = :day AS is_of_day, SUM(input + output) AS tokens,
            SUM(micros) AS micros, SUM(audio_sec) AS audio_sec
     FROM usage WHERE day >= :monthStart AND day <= :day
     GROUP BY user_id, guild_id, agent_id, day = :day`,
  );
  const selectTold = database.prepare("SELECT user_id FROM told_budget WHERE day = ?");
  const selectOneTold = database.prepare("SELECT 1 FROM told_budget WHERE day = ? AND user_id = ?");
  const selectKnown = database.prepare("SELECT 1 FROM usage WHERE user_id = ? AND day < ? LIMIT 1");
  const selectSum = database.prepare(`SELECT ${SUMS} FROM usage WHERE day >= ?`);
  const selectSumOf = database.prepare(`SELECT ${SUMS} FROM usage WHERE day >= ? AND user_id = ?`);

  function rowsOf(day: number) {
    const monthStart = monthStartOf(day * DAY_MS);
    return selectSpent.all({ day, monthStart }).map((row) => {
      const { guildId, ...spent } = SPENT.read(row);
      return { ...spent, guildId: guildId !== "" ? guildId : undefined };
    });
  }

  return {
    async spentBy(by, now) {
      const day = dayOf(now);
      return spent.of(by, day) ?? await read(() => {
        const charged = rowsOf(day);
        spent.load(day, charged, selectTold.all(day).map((row) => String(row["user_id"])));
        return spent.of(by, day) ?? sumOf(charged, by);
      });
    },
    async isTold(userId, now) {
      const day = dayOf(now);
      return spent.isTold(userId, day) ??
        await read(() => selectOneTold.get(day, userId) !== undefined);
    },
    isKnown: (userId, now) => read(() => selectKnown.get(userId, dayOf(now)) !== undefined),
    add(charges) {
      const end = spent.begin(charges);
      charged.later(UNNAMED, { charges }, undefined, () => end(true));
    },
    sum: (fromDay, userId) =>
      read(() =>
        SUM.read(userId === undefined ? selectSum.get(fromDay) : selectSumOf.get(fromDay, userId))
      ),
    sumBy: (field, fromDay) =>
      read(() =>
        database.prepare(
          `SELECT ${USAGE_FIELDS[field]} AS value, ${SUMS} FROM usage WHERE day >= ?
           GROUP BY 1 ORDER BY SUM(input + output) DESC, 1 LIMIT 1000`,
        ).all(fromDay).map((row) => ({ ...SUM.read(row), value: String(row["value"]) }))
      ),
  };
}

/** The sums without memory, while charges are being written. */
function sumOf(rows: readonly SpentRow[], by: UsedBy): SpentBy {
  const nothing = { tokens: 0, micros: 0, audioSec: 0 };
  const sumWhere = (isIn: (row: SpentRow) => boolean) =>
    rows.filter(isIn).reduce(grown, { day: nothing, month: nothing });
  return {
    user: sumWhere(({ userId }) => userId === by.userId),
    guild: by.guildId !== undefined ? sumWhere(({ guildId }) => guildId === by.guildId) : undefined,
    agent: sumWhere(({ agentId }) => agentId === by.agentId),
    total: sumWhere(() => true),
  };
}

const PROBLEM = TOLD_PROBLEM.pick("problem");

/**
 * Stores the problems of models about which the owners got a notice, so that a restart sends no
 * second one (L3).
 */
export function createModelProblems(
  database: DatabaseSync,
  { commit, read }: Transactions,
): ModelProblems {
  const select = database.prepare("SELECT problem FROM told_problem WHERE account_id = ?");
  const insert = TOLD_PROBLEM.prepareInsert(
    database,
    "ON CONFLICT (account_id, problem) DO UPDATE SET told_at = excluded.told_at",
  );
  const forget = database.prepare("DELETE FROM told_problem WHERE account_id = ?");
  return {
    toldProblems: (accountId) =>
      read(() => select.all(accountId).map((row) => PROBLEM.read(row).problem)),
    noteProblem: (accountId, problem, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => void insert({ accountId, problem, toldAt: now })),
    forgetProblems: (accountId) => commit(COMMIT_OPTIONS.BY_HAND, () => void forget.run(accountId)),
  };
}
