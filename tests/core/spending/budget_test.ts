import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model, ModelPart } from "../../../src/core/model.ts";
import {
  type Budgets,
  BudgetSpent,
  type BudgetStop,
  budgetStopOf,
  type Charge,
  createAudioSpending,
  hasBudget,
  meteredModel,
  microsOf,
  microsOfAudio,
  microsOfImage,
  type Price,
  resetOf,
  type SpentBy,
  type UsageKind,
  type UsedBy,
} from "../../../src/core/spending/budget.ts";
import { channelId, sender } from "../../support/discord/builders.ts";
import { listen } from "../../support/model/model_server.ts";
import { sameData } from "../../support/same_data.ts";

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

const METERED_MODEL_BY = { userId: "1", roleIds: ["7"], channelId: "2", agentId: "main" };

function setUp(stop?: BudgetStop) {
  let asked = 0;
  let now = 1_000;
  const charges: Charge[] = [];
  const model: Model = {
    id: "a/x",
    async *generate(): AsyncGenerator<ModelPart, void> {
      asked++;
      await Promise.resolve();
      yield { kind: "text", text: "hello" };
      now += 250;
      yield {
        kind: "finish",
        reason: "stop",
        modelId: "b/y",
        usage: { inputTokens: 10, cachedTokens: 8, outputTokens: 2, micros: 7 },
      };
    },
  };
  const wrapped = meteredModel(model, {
    kind: "compaction",
    by: METERED_MODEL_BY,
    spend: { check: () => Promise.resolve(stop), record: (charge) => void charges.push(charge) },
    now: () => now,
  });
  return { wrapped, charges, asked: () => asked };
}

describe("[L5] meteredModel()", () => {
  it("counts each request with its purpose, and the model that answered", async () => {
    const { wrapped, charges } = setUp();
    assert.equal((await listen(wrapped)).text, "hello");
    sameData(charges, [{
      userId: "1",
      channelId: "2",
      agentId: "main",
      kind: "compaction",
      model: "b/y",
      inputTokens: 10,
      cachedTokens: 8,
      outputTokens: 2,
      micros: 7,
      ms: 250,
      audioSec: 0,
      at: 1_250,
    }]);
  });

  it("[X4] asks nothing if a budget is spent", async () => {
    const { wrapped, charges, asked } = setUp({ rule: "budgets.total.tokensPerDay", limit: 5 });
    const { error } = await listen(wrapped);
    assert.ok(error instanceof BudgetSpent);
    assert.equal(asked(), 0);
    assert.deepEqual(charges, []);
  });
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

/** A limit of 40 s for all; each check reads the store for a while. */
function build() {
  let spent = 0;
  const audio = createAudioSpending({
    spend: {
      async check() {
        const isSpent = spent >= 40;
        await new Promise((read) => setTimeout(read));
        return isSpent ? { rule: "budgets.total.audioSecondsPerDay", limit: 40 } : undefined;
      },
      record: ({ audioSec = 0 }) => void (spent += audioSec),
    },
    now: () => 0,
  });
  return { audio, spent: () => spent };
}

const model = { modelId: "near/whisper" };
const payer = { message: { sender: sender(), channelId: channelId("5") }, agentId: "main" };

describe("[X4] reserve()", () => {
  it("lets people who speak at once exceed a budget by one piece, not by one of each", async () => {
    const { audio, spent } = build();
    const all = Array.from({ length: 25 }, () => audio.reserve(model, 30, payer));
    const results = await Promise.allSettled(all);
    assert.equal(spent(), 60);
    const reasons = results.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
    assert.equal(reasons.length, 23);
    assert.ok(reasons.every((reason) => reason instanceof BudgetSpent));
  });

  it("counts a guess of speech before it begins, and its length after it, also of none", async () => {
    const { audio, spent } = build();
    const [spoken, failed, ...refused] = await Promise.allSettled(
      [30, 30, 30].map((guess) => audio.reserve(model, guess, payer)),
    );
    assert.deepEqual(refused.map(({ status }) => status), ["rejected"]);
    assert.ok(spoken?.status === "fulfilled" && failed?.status === "fulfilled");
    spoken.value(12);
    failed.value(0);
    assert.equal(spent(), 12);
  });

  it("goes on after a store that fails", async () => {
    let isDown = true;
    const failing = createAudioSpending({
      spend: { check: () => isDown ? Promise.reject(Error("down")) : undefined, record: () => {} },
      now: () => 0,
    });
    await assert.rejects(failing.reserve(model, 1, payer), /down/);
    isDown = false;
    await failing.reserve(model, 1, payer);
  });
});
