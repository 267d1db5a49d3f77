import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Charge, dayOf } from "../../../src/core/spending/budget.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";
import { createUsage } from "../../../src/store/usage/usage.ts";
import { openDatabase } from "../../support/store/open_database.ts";

const NOON = Date.UTC(2026, 10, 21, 12);
const DAY_MS = 24 * 60 * 60_000;

const charge = (fields: Partial<Charge> = {}): Charge => ({
  userId: "1",
  channelId: "2",
  guildId: "3",
  agentId: "main",
  kind: "answer",
  model: "a/x",
  inputTokens: 100,
  cachedTokens: 80,
  outputTokens: 10,
  micros: 500,
  ms: 1_000,
  audioSec: 0,
  at: NOON,
  ...fields,
});

const setUp = () => ({ usage: createUsage(createUngroupedTransactions(openDatabase())) });

const BY = { userId: "1", channelId: "2", guildId: "3", agentId: "main" };

describe("[L5] store.usage", () => {
  it("sums requests by day, person and field", async () => {
    const { usage } = setUp();
    const { micros: _, ...unpriced } = charge({ userId: "9", kind: "compaction", model: "b/y" });
    usage.add([charge(), charge(), unpriced, charge({ at: NOON - DAY_MS })]);
    const today = dayOf(NOON);
    assert.deepEqual(await usage.sum(today), {
      requests: 3,
      inputTokens: 300,
      cachedTokens: 240,
      outputTokens: 30,
      micros: 1_000,
      unpriced: 1,
      ms: 3_000,
      audioSec: 0,
    });
    assert.equal((await usage.sum(today, "9")).requests, 1);
    assert.equal((await usage.sum(today - 1)).requests, 4);
    const by = async (field: "model" | "kind" | "day") =>
      (await usage.sumBy(field, today - 1)).map(({ value, requests }) => [value, requests]);
    assert.deepEqual(await by("model"), [["a/x", 3], ["b/y", 1]]);
    assert.deepEqual(await by("kind"), [["answer", 3], ["compaction", 1]]);
    assert.deepEqual(await by("day"), [[String(today), 3], [String(today - 1), 1]]);
  });

  it("[X4] has the sums of each guild", async () => {
    const { usage } = setUp();
    usage.add([charge(), charge({ at: NOON - DAY_MS }), charge({ guildId: undefined })]);
    const day = { tokens: 110, micros: 500, audioSec: 0, unpriced: 0 };
    const month = { tokens: 220, micros: 1_000, audioSec: 0, unpriced: 0 };
    assert.deepEqual(await usage.spentByGuild(NOON), new Map([["3", { day, month }]]));
    usage.add([charge({ guildId: "4" })]);
    assert.deepEqual((await usage.spentByGuild(NOON)).get("4"), { day, month: day });
  });

  it("[X4] has the sums of the day and the month for a budget", async () => {
    const { usage } = setUp();
    usage.add([charge(), charge({ at: NOON - DAY_MS }), charge({ at: NOON - 21 * DAY_MS })]);
    const day = { tokens: 110, micros: 500, audioSec: 0, unpriced: 0 };
    const one = { day, month: { tokens: 220, micros: 1_000, audioSec: 0, unpriced: 0 } };
    const all = { user: one, guild: one, agent: one, total: one };
    assert.deepEqual(await usage.spentBy(BY, NOON), all);
    usage.add([charge({ userId: "8" })]);
    const { user, total } = await usage.spentBy(BY, NOON);
    assert.deepEqual([user.day.tokens, total.day.tokens], [110, 220]);
    assert.deepEqual(
      Object.values((await usage.spentBy(BY, NOON + DAY_MS)).total).map(({ tokens }) => tokens),
      [0, 330],
    );
    const nextMonth = await usage.spentBy(BY, NOON + 10 * DAY_MS);
    assert.equal(nextMonth.total.month.tokens, 0);
  });
});
