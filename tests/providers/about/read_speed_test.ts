import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model, ModelMessage } from "../../../src/core/model.ts";
import { createReadSpeed } from "../../../src/providers/about/read_speed.ts";
import { listen } from "../../support/model/model_server.ts";

/** An answer: tokens of its request, cached ones if they are counted, milliseconds to its first byte. */
type Answer = readonly [inputTokens: number, cachedTokens: number | undefined, firstMs: number];

/** The speed after some answers of a server. */
async function speedAfter(
  answers: readonly Answer[],
  { isEarly = false, isBusy = false, messages = [] as readonly ModelMessage[] } = {},
) {
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
    const ask = () => listen(measured, undefined, { system: "", messages });
    await Promise.all(isBusy ? [ask(), ask()] : [ask()]);
  }
  return speed.perSec();
}

const at = (least: number, most = least) => ({ least, most });

describe("[T2a] createReadSpeed()", () => {
  it("counts tokens by the time to the first byte, and then those of a faster server", async () => {
    const slow: Answer = [4_000, 0, 120_000];
    assert.deepEqual(await speedAfter([slow]), at(33));
    assert.deepEqual(await speedAfter([slow, [4_000, 0, 400_000]]), at(33));
    assert.deepEqual(await speedAfter([slow, [4_000, 0, 100]]), at(40_000));
  });

  it("counts no tokens of the server's cache, and no short rest", async () => {
    const short: readonly Answer[] = [[4_000, 3_900, 500], [255, 0, 500]];
    assert.equal(await speedAfter(short), undefined);
    assert.deepEqual(await speedAfter([...short, [4_000, 3_000, 1_000]]), at(1_000));
  });

  it("counts, of a server that does not count its cache, at least the newest text", async () => {
    const answers: readonly Answer[] = [[4_000, undefined, 1_000]];
    const messages: readonly ModelMessage[] = [
      { role: "assistant", text: "long ".repeat(999) },
      { role: "user", text: "a".repeat(2_000) },
    ];
    assert.deepEqual(await speedAfter(answers), at(0, 4_000));
    assert.deepEqual(await speedAfter(answers, { messages: messages.slice(1) }), at(0, 4_000));
    assert.deepEqual(await speedAfter(answers, { messages }), at(600, 4_000));
  });

  it("counts neither the loading of a model, nor requests side by side", async () => {
    assert.equal(await speedAfter([[4_000, 0, 120_000]], { isEarly: true }), undefined);
    assert.equal(await speedAfter([[4_000, 0, 120_000]], { isBusy: true }), undefined);
  });
});
