import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  audioSpending,
  meteredModel,
  readSpentGuildBudgets,
  spendOf,
} from "../../../src/flows/limits.ts";
import { type Budgets, BudgetSpent, ofAgent } from "../../../src/core/spending/budget.ts";
import type { Model, ModelPart } from "../../../src/core/model.ts";
import { listen } from "../../support/model/model_server.ts";
import { channelId, sender } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";

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
  const { account, store, clock } = await testAccount({ beside: { budgets } });
  return { account, clock, usage: store.usage, spend: spendOf(account) };
}

describe("[SEC-R26] [X4] spendOf()", () => {
  const loops = [["perUser", BY], ["perGuild", BY], ["perAgent", BY], ["total", BY]] as const;
  const alone = [["perAgent", ofAgent("main")], ["total", ofAgent("main")]] as const;
  for (const [key, by] of [...loops, ...alone]) {
    const whose = by === BY ? "" : ", also without a person,";
    it(`stops an endless loop${whose} at ${key}, one request over at most`, async () => {
      const { account, usage } = await spendingWith({ [key]: { tokensPerDay: 1_050 } });
      const model = meteredModel(account, HOSTILE, "answer", by);
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
    const { account, spend } = await spendingWith({ total: { tokensPerDay: 200 } });
    for (const kind of ["compaction", "intent"] as const) {
      await listen(meteredModel(account, HOSTILE, kind, { ...BY, userId: "" }));
    }
    assert.equal((await spend.check(BY, "answer"))?.rule, "budgets.total.tokensPerDay");
  });

  it("reads nothing of the store without a budget", async () => {
    const { account, spend } = await spendingWith({});
    Object.assign(account.store.usage, { spentBy: () => assert.fail("it read the store") });
    assert.equal(await spend.check(BY, "answer"), undefined);
  });
});

describe("[L5] meteredModel()", () => {
  it("counts a request with its purpose, the model that answered, and its time", async () => {
    const { account, clock } = await spendingWith({});
    const charges: unknown[] = [];
    Object.assign(account.store.usage, { add: (all: unknown[]) => void charges.push(...all) });
    const model: Model = {
      id: "a/x",
      async *generate(): AsyncGenerator<ModelPart, void> {
        await Promise.resolve();
        clock.advance(250);
        const usage = { inputTokens: 10, cachedTokens: 8, outputTokens: 2, micros: 7 };
        yield { kind: "finish", reason: "stop", modelId: "b/y", usage };
      },
    };
    await listen(meteredModel(account, model, "compaction", { ...BY, roleIds: ["7"] }));
    assert.deepEqual(charges, [{
      ...{ ...BY, kind: "compaction", model: "b/y" },
      ...{ inputTokens: 10, cachedTokens: 8, outputTokens: 2, micros: 7 },
      ...{ ms: 250, audioSec: 0, at: account.now() },
    }]);
  });
});

describe("[X4] reserve()", () => {
  const model = { modelId: "near/whisper" };
  const payer = { message: { sender: sender(), channelId: channelId("5") }, agentId: "main" };
  const spentIn = async ({ usage }: Awaited<ReturnType<typeof spendingWith>>) =>
    (await usage.sum(0)).audioSec;

  it("lets people who speak at once exceed a budget by one piece, not by one of each", async () => {
    const spending = await spendingWith({ total: { audioSecondsPerDay: 40 } });
    const audio = audioSpending(spending.account);
    const all = Array.from({ length: 25 }, () => audio.reserve(model, 30, payer));
    const results = await Promise.allSettled(all);
    assert.equal(await spentIn(spending), 60);
    const reasons = results.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
    assert.equal(reasons.length, 23);
    assert.ok(reasons.every((reason) => reason instanceof BudgetSpent));
  });

  it("counts a guess of speech before it begins, and its length after it, also of none", async () => {
    const spending = await spendingWith({ total: { audioSecondsPerDay: 40 } });
    const audio = audioSpending(spending.account);
    const [spoken, failed, ...refused] = await Promise.allSettled(
      [30, 30, 30].map((guess) => audio.reserve(model, guess, payer)),
    );
    assert.deepEqual(refused.map(({ status }) => status), ["rejected"]);
    assert.ok(spoken?.status === "fulfilled" && failed?.status === "fulfilled");
    spoken.value(12);
    failed.value(0);
    assert.equal(await spentIn(spending), 12);
  });

  it("goes on after a store that fails", async () => {
    const { account } = await spendingWith({ total: { audioSecondsPerDay: 40 } });
    const { usage } = account.store;
    const { spentBy } = usage;
    Object.assign(usage, { spentBy: () => Promise.reject(Error("down")) });
    const audio = audioSpending(account);
    await assert.rejects(audio.reserve(model, 1, payer), /down/);
    Object.assign(usage, { spentBy });
    await audio.reserve(model, 1, payer);
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
