import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model } from "../../../src/core/model.ts";
import { createReadSpeed } from "../../../src/providers/about/read_speed.ts";
import { listen } from "../../support/model/model_server.ts";

/** An answer: tokens of its request, cached ones, milliseconds to its first byte. */
type Answer = readonly [inputTokens: number, cachedTokens: number, firstMs: number];

/** The speed after some answers of a server. */
async function speedAfter(answers: readonly Answer[], { isEarly = false, isBusy = false } = {}) {
  let time = 0;
  const speed = createReadSpeed({ now: () => time });
  for (const [inputTokens, cachedTokens, firstMs] of answers) {
    const model: Model = {
      id: "local/pi",
      window: { contextWindow: 1, maxOutput: 1, ...(isEarly && { isEarly }) },
      async *generate({ onReading }) {
        await Promise.resolve(); // so that two requests run side by side
        time += firstMs;
        onReading?.(false);
        const usage = { inputTokens, cachedTokens, outputTokens: 1 };
        yield { kind: "finish", reason: "stop", usage };
      },
    };
    const measured = speed.measured(model);
    await Promise.all(isBusy ? [listen(measured), listen(measured)] : [listen(measured)]);
  }
  return speed.perSec();
}

describe("[T2a] createReadSpeed()", () => {
  it("counts tokens by the time to the first byte, once", async () => {
    assert.equal(await speedAfter([[4_000, 0, 120_000]]), 33);
    assert.equal(await speedAfter([[4_000, 0, 120_000], [4_000, 0, 100]]), 33);
  });

  it("counts no tokens of the server's cache, and no short rest", async () => {
    const short: readonly Answer[] = [[4_000, 3_900, 500], [255, 0, 500]];
    assert.equal(await speedAfter(short), undefined);
    assert.equal(await speedAfter([...short, [4_000, 3_000, 1_000]]), 1_000);
  });

  it("counts neither the loading of a model, nor requests side by side", async () => {
    assert.equal(await speedAfter([[4_000, 0, 120_000]], { isEarly: true }), undefined);
    assert.equal(await speedAfter([[4_000, 0, 120_000]], { isBusy: true }), undefined);
  });
});
