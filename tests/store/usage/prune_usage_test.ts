import assert from "node:assert/strict";
import { it } from "node:test";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { dayOf } from "../../../src/core/spending/budget.ts";
import { preparePruneOld } from "../../../src/store/messages/retention.ts";
import { prepareUsageRows } from "../../../src/store/usage/usage.ts";
import { openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const CHARGE = {
  userId: "1",
  channelId: "11",
  agentId: "main",
  model: "openai/m",
  kind: "answer",
  inputTokens: 1,
  cachedTokens: 0,
  outputTokens: 1,
  ms: 1,
  audioSec: 0,
} as const;

/** Stores one request each so many days before now, and returns the days that are left. */
function daysLeft(ages: readonly number[], usageDays: number, steps = 1): readonly number[] {
  const { database, rows } = openTestStore();
  const insert = prepareUsageRows(database).add;
  for (const age of ages) {
    const at = NOW - age * DAY_MS;
    insert({ charges: [{ ...CHARGE, at }], told: { userId: "1", day: dayOf(at) } });
  }
  const prune = preparePruneOld(database, { usageDays });
  for (let step = 0; step < steps; step++) prune(NOW);
  return rows("SELECT day FROM usage ORDER BY day").map(({ day }) => dayOf(NOW) - Number(day));
}

it("[X6] [L5] preparePruneOld() › deletes rows of older days, and keeps today", () => {
  assert.deepEqual(daysLeft([0, 1, 2, 3, 400], 2), [2, 1, 0]);
  assert.deepEqual(daysLeft([0, 1], 1), [1, 0]);
});
