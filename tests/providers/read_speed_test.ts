import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model, ModelUsage } from "../../src/core/model.ts";
import { createReadSpeed } from "../../src/providers/read_speed.ts";
import { listen } from "../support/model/model_server.ts";

function setUp() {
  const speed = createReadSpeed();
  const waits: PromiseWithResolvers<void>[] = [];
  let usage: ModelUsage = { inputTokens: 1_000, outputTokens: 1 };
  let firstMs = 10_000;
  const model: { isEarly?: true } & Model = {
    id: "local/pi",
    get window() {
      return { contextWindow: 1, maxOutput: 1, isEarly: model.isEarly };
    },
    async *generate() {
      const wait = Promise.withResolvers<void>();
      waits.push(wait);
      await wait.promise;
      speed.onFirstByte(firstMs);
      yield { kind: "finish", reason: "stop", usage };
    },
  };
  const measured = speed.measured(model);
  const begin = () => listen(measured);
  const ask = async (tokens: Partial<ModelUsage>, ms: number) => {
    usage = { inputTokens: 0, outputTokens: 1, ...tokens };
    firstMs = ms;
    const asked = begin();
    waits.at(-1)?.resolve();
    await asked;
    return speed.perSec();
  };
  return { speed, model, begin, waits, ask };
}

describe("[T2a] createReadSpeed()", () => {
  it("counts tokens by the time to the first byte, once", async () => {
    const { ask } = setUp();
    assert.equal(await ask({ inputTokens: 4_000 }, 120_000), 33);
    assert.equal(await ask({ inputTokens: 4_000 }, 100), 33);
  });

  it("counts no tokens of the server's cache, and no short rest", async () => {
    const { ask } = setUp();
    assert.equal(await ask({ inputTokens: 4_000, cachedTokens: 3_900 }, 500), undefined);
    assert.equal(await ask({ inputTokens: 255 }, 500), undefined);
    assert.equal(await ask({ inputTokens: 4_000, cachedTokens: 3_000 }, 1_000), 1_000);
  });

  it("does not count while the server loads the model", async () => {
    const { model, ask } = setUp();
    model.isEarly = true;
    assert.equal(await ask({ inputTokens: 4_000 }, 120_000), undefined);
    delete model.isEarly;
    assert.equal(await ask({ inputTokens: 4_000 }, 1_000), 4_000);
  });

  it("does not count answers side by side: one waits for the other", async () => {
    const { speed, begin, waits, ask } = setUp();
    const both = [begin(), begin()];
    for (const { resolve } of waits) resolve();
    await Promise.all(both);
    assert.equal(speed.perSec(), undefined);
    assert.equal(await ask({ inputTokens: 1_000 }, 1_000), 1_000);
  });
});
