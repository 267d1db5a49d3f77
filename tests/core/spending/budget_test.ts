import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Budgets,
  BudgetSpent,
  budgetStopOf,
  hasBudget,
  microsOf,
  microsOfAudio,
  microsOfImage,
  type Price,
  resetOf,
  type SpentBy,
  type UsageKind,
  type UsedBy,
} from "../../../src/core/spending/budget.ts";

const NONE: Budgets = { perUser: {}, perRole: {}, perGuild: {}, perAgent: {}, total: {} };
const BY: UsedBy = { userId: "1", roleIds: ["7"], channelId: "2", guildId: "3", agentId: "main" };
const spent = (tokens: number, micros = 0, audioSec = 0): SpentBy => {
  const day = { tokens, micros, audioSec };
  const month = { tokens: 10 * tokens, micros: 10 * micros, audioSec: 10 * audioSec };
  const all = { day, month };
  return { user: all, guild: all, agent: all, total: all };
};

describe("[X4] budgetStopOf()", () => {
  const rows: readonly (readonly [string, Partial<Budgets>, SpentBy, UsageKind, string?])[] = [
    ["no budget", {}, spent(1e9, 1e9, 1e9), "answer"],
    ["less than the limit", { total: { tokensPerDay: 100 } }, spent(99), "answer"],
    ["limit", { total: { tokensPerDay: 100 } }, spent(100), "answer", "budgets.total.tokensPerDay"],
    [
      "a limit of 0",
      { perUser: { tokensPerDay: 0 } },
      spent(0),
      "compaction",
      "budgets.perUser.tokensPerDay",
    ],
    [
      "money",
      { perGuild: { moneyPerDay: 0.5 } },
      spent(0, 500_000),
      "answer",
      "budgets.perGuild.moneyPerDay",
    ],
    [
      "an agent",
      { perAgent: { tokensPerDay: 5 } },
      spent(6),
      "intent",
      "budgets.perAgent.tokensPerDay",
    ],
    ["less than the month's limit", { total: { tokensPerMonth: 100 } }, spent(9), "answer"],
    [
      "the month's limit",
      { total: { tokensPerMonth: 100 } },
      spent(10),
      "answer",
      "budgets.total.tokensPerMonth",
    ],
    [
      "the month's limit, also if the day's is spent",
      { perUser: { tokensPerDay: 5 }, total: { tokensPerDay: 5, tokensPerMonth: 9 } },
      spent(9),
      "answer",
      "budgets.total.tokensPerMonth",
    ],
    [
      "money of the month, of a role",
      { perRole: { 7: { moneyPerMonth: 5 } } },
      spent(0, 500_000),
      "answer",
      "budgets.perRole.7.moneyPerMonth",
    ],
    ["audio, for an answer", { total: { audioSecondsPerDay: 10 } }, spent(0, 0, 99), "answer"],
    [
      "audio",
      { total: { audioSecondsPerDay: 10 } },
      spent(0, 0, 10),
      "audio",
      "budgets.total.audioSecondsPerDay",
    ],
    [
      "a role's higher limit",
      { perUser: { tokensPerDay: 5 }, perRole: { 7: { tokensPerDay: 50 } } },
      spent(6),
      "answer",
    ],
    [
      "a role's limit",
      { perUser: { tokensPerDay: 5 }, perRole: { 7: { tokensPerDay: 50 } } },
      spent(50),
      "answer",
      "budgets.perRole.7.tokensPerDay",
    ],
    [
      "a role that the user does not have",
      { perUser: { tokensPerDay: 5 }, perRole: { 8: { tokensPerDay: 50 } } },
      spent(6),
      "answer",
      "budgets.perUser.tokensPerDay",
    ],
  ];
  for (const [what, budgets, sums, kind, rule] of rows) {
    it(`${rule === undefined ? "lets pass" : "stops at"} ${what}`, () => {
      assert.equal(budgetStopOf({ ...NONE, ...budgets }, BY, kind, sums)?.rule, rule);
    });
  }

  it("takes the highest limit of several roles, and none if one role has none", () => {
    const perRole = { 7: { tokensPerDay: 10 }, 8: { tokensPerDay: 20 }, 9: {} };
    const stop = (...roleIds: string[]) =>
      budgetStopOf({ ...NONE, perRole }, { ...BY, roleIds }, "answer", spent(15))?.limit;
    assert.deepEqual([stop("7"), stop("7", "8"), stop("7", "9")], [10, undefined, undefined]);
  });

  it("has no user's limit for requests that no person asked for", () => {
    const budgets = { ...NONE, perUser: { tokensPerDay: 0 } };
    assert.equal(budgetStopOf(budgets, { ...BY, userId: "" }, "summary", spent(9)), undefined);
  });

  it("names the limit in its error", () => {
    const stop = { rule: "budgets.total.tokensPerDay", limit: 5 };
    const why = "the budget budgets.total.tokensPerDay (5) of today is spent";
    assert.equal(new BudgetSpent(stop).message, why);
    const month = { rule: "budgets.total.tokensPerMonth", limit: 5 };
    assert.match(new BudgetSpent(month).message, /of this month is spent/);
  });
});

it("[X4] resetOf() › is the end of the UTC day or of the UTC month", () => {
  const at = Date.UTC(2026, 11, 5, 7);
  const end = (key: string) => new Date(resetOf({ rule: `budgets.total.${key}` }, at));
  assert.equal(end("tokensPerDay").toISOString(), "2026-12-06T00:00:00.000Z");
  assert.equal(end("moneyPerMonth").toISOString(), "2027-01-01T00:00:00.000Z");
});

it("[X4] hasBudget() › is true if any limit is set", () => {
  assert.equal(hasBudget(NONE), false);
  assert.equal(hasBudget({ ...NONE, perRole: { 7: { moneyPerDay: 0 } } }), true);
  assert.equal(hasBudget({ ...NONE, total: { tokensPerMonth: 0 } }), true);
});

it("[L5] microsOf() › prices cached tokens by their own price, or that of all input", () => {
  const usage = { inputTokens: 1_000, cachedTokens: 800, outputTokens: 100 };
  assert.equal(microsOf(usage, { input: 3, output: 15, cached: 0.3 }), 600 + 240 + 1_500);
  assert.equal(microsOf(usage, { input: 3, output: 15 }), 3_000 + 1_500);
  assert.equal(microsOf(usage, undefined), undefined);
});

const USED = { inputTokens: 1_000, cachedTokens: 400, outputTokens: 10 };

const cases: readonly [Price | undefined, number | undefined][] = [
  [undefined, undefined],
  [{ input: 2, output: 10 }, 2_100],
  [{ input: 2, output: 10, cached: 0.5 }, 1_500],
  [{ audioMinute: 1 }, 0],
];
for (const [price, micros] of cases) {
  it(`[L5] the cost of tokens › is ${micros} at ${JSON.stringify(price)}`, () => {
    assert.equal(microsOf(USED, price), micros);
  });
}

it("[L5] the cost of audio › is by the second, and unknown without a price of its own", () => {
  assert.equal(microsOfAudio(90, { audioMinute: 0.006 }), 9_000);
  assert.equal(microsOfAudio(90, { audioMinute: 0 }), 0);
  assert.equal(microsOfAudio(90, { input: 1, output: 1 }), undefined);
  assert.equal(microsOfAudio(90, undefined), undefined);
});

it("[L5] the cost of an image › is its price and that of its tokens, as far as they are known", () => {
  assert.equal(microsOfImage(undefined, { image: 0.04 }), 40_000);
  assert.equal(microsOfImage(USED, { image: 0.04 }), 40_000);
  assert.equal(microsOfImage(USED, { image: 0.04, input: 2, output: 10 }), 42_100);
  assert.equal(microsOfImage(USED, { input: 2, output: 10 }), 2_100);
  assert.equal(microsOfImage(undefined, { input: 2, output: 10 }), undefined);
  assert.equal(microsOfImage(USED, undefined), undefined);
});
