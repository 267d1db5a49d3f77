import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSpentGuildBudgets, spendOf } from "../../../../src/flows/limits.ts";
import {
  type Budgets,
  BudgetSpent,
  meteredModel,
  ofAgent,
} from "../../../../src/core/spending/budget.ts";
import type { Model, ModelPart } from "../../../../src/core/model.ts";
import { listen } from "../../../support/model/model_server.ts";
import { testAccount } from "../../../support/bot/test_account.ts";

const NONE: Budgets = { perUser: {}, perRole: {}, perGuild: {}, perAgent: {}, total: {} };
const BY = { userId: "1", channelId: "2", guildId: "3", agentId: "main" };
const NOW = Date.UTC(2026, 10, 21, 12);

/** A model that calls a tool in each answer, for ever. */
const HOSTILE: Model = {
  id: "a/hostile",
  async *generate(): AsyncGenerator<ModelPart, void> {
    await Promise.resolve();
    yield {
      kind: "finish",
      reason: "tool_calls",
      calls: [{ id: "1", name: "again", arguments: "{}" }],
      usage: { inputTokens: 90, outputTokens: 10 },
    };
  },
};

async function spendingWith(budgets: Partial<Budgets>) {
  const { account, store } = await testAccount({ beside: { budgets } });
  return { account, usage: store.usage, spend: spendOf(account), now: account.now };
}

describe("[SEC-R26] [X4] spendOf()", () => {
  const loops = [["perUser", BY], ["perGuild", BY], ["perAgent", BY], ["total", BY]] as const;
  const alone = [["perAgent", ofAgent("main")], ["total", ofAgent("main")]] as const;
  for (const [key, by] of [...loops, ...alone]) {
    const whose = by === BY ? "" : ", also without a person,";
    it(`stops an endless loop${whose} at ${key}, one request over at most`, async () => {
      const { usage, spend, now } = await spendingWith({ [key]: { tokensPerDay: 1_050 } });
      const model = meteredModel(HOSTILE, { kind: "answer", by, spend, now });
      let requests = 0;
      let last: unknown;
      while (last === undefined && requests < 100) {
        last = (await listen(model)).error;
        if (last === undefined) requests++;
      }
      assert.ok(last instanceof BudgetSpent);
      assert.equal(last.stop.rule, `budgets.${key}.tokensPerDay`);
      assert.equal(requests, 11);
      assert.equal((await usage.sum(0)).requests, 11);
    });
  }

  it("counts requests of each purpose", async () => {
    const { spend, now } = await spendingWith({ total: { tokensPerDay: 200 } });
    for (const kind of ["compaction", "intent"] as const) {
      await listen(meteredModel(HOSTILE, { kind, by: { ...BY, userId: "" }, spend, now }));
    }
    assert.equal((await spend.check(BY, "answer"))?.rule, "budgets.total.tokensPerDay");
  });

  it("reads nothing of the store without a budget", async () => {
    const { account, spend } = await spendingWith({});
    Object.assign(account.store.usage, { spentBy: () => assert.fail("it read the store") });
    assert.equal(await spend.check(BY, "answer"), undefined);
  });
});

describe("[X4] readSpentGuildBudgets()", () => {
  const amount = (tokens: number) => ({ tokens, micros: 0, audioSec: 0 });
  const sums = (tokens: number) => ({ day: amount(tokens), month: amount(tokens) });
  const perGuild = { tokensPerMonth: 30 };
  const named = (id: string) => Promise.resolve(id === "3" ? "Friends" : undefined);
  const read = (guilds: readonly (readonly [string, number])[]) => ({
    usage: {
      spentByGuild: () =>
        Promise.resolve(new Map(guilds.map(([id, tokens]) => [id, sums(tokens)]))),
    },
  });

  it("names guilds with a spent budget, and no others", async () => {
    const found = await readSpentGuildBudgets(
      { ...NONE, perGuild },
      read([["3", 30], ["4", 29], ["5", 31]]),
      named,
      NOW,
    );
    assert.deepEqual(found.map(({ rule, used, of, name }) => [rule, used, of, name]), [
      ["budgets.perGuild.tokensPerMonth", 30, "3", "Friends"],
      ["budgets.perGuild.tokensPerMonth", 31, "5", undefined],
    ]);
  });

  it("reads nothing without a limit of guilds, and no name without a spent budget", async () => {
    const fail = () => assert.fail("it read too much");
    assert.deepEqual(
      await readSpentGuildBudgets(NONE, { usage: { spentByGuild: fail } }, fail, NOW),
      [],
    );
    assert.deepEqual(
      await readSpentGuildBudgets({ ...NONE, perGuild }, read([["4", 29]]), fail, NOW),
      [],
    );
  });

  it("reports a few of many guilds", async () => {
    const many = Array.from({ length: 500 }, (_, index) => [`${index}`, 99] as const);
    assert.equal(
      (await readSpentGuildBudgets({ ...NONE, perGuild }, read(many), named, NOW)).length,
      20,
    );
  });
});
