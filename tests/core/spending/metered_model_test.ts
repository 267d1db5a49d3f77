import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BudgetSpent, type BudgetStop, meteredModel } from "../../../src/core/spending/budget.ts";
import type { Model, ModelPart } from "../../../src/core/model.ts";
import type { Charge } from "../../../src/core/spending/budget.ts";
import { listen } from "../../support/model/model_server.ts";
import { sameData } from "../../support/same_data.ts";

const BY = { userId: "1", roleIds: ["7"], channelId: "2", agentId: "main" };

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
    by: BY,
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
