import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDrawPort } from "../../../src/flows/tools/draw.ts";
import type { BudgetStop } from "../../../src/core/spending/budget.ts";
import type { Charge } from "../../../src/core/spending/usage.ts";
import { FileError } from "../../../src/core/turn/media.ts";
import { guildMessage } from "../../support/discord/builders.ts";

const NEVER = new AbortController().signal;
const usage = { inputTokens: 1, outputTokens: 2, micros: 3 };
const image = { bytes: new Uint8Array(1), usage };

function setUp(draw: () => Promise<typeof image>, stop?: BudgetStop) {
  const charges: Charge[] = [];
  const port = createDrawPort({ now: () => 0 }, {
    drawing: () => ({ modelId: "studio/brush", draw }),
    drawings: { keep: () => Promise.resolve("17") },
    spend: {
      check: () => Promise.resolve(stop),
      record: (charge) => void charges.push(charge),
    },
    agentId: "main",
  });
  return { charges, run: () => port.draw("a barnacle", guildMessage(), NEVER) };
}

describe("[T6] createDrawPort()", () => {
  it("counts an image, and returns its id", async () => {
    const { charges, run } = setUp(() => Promise.resolve(image));
    assert.equal(await run(), "17");
    const [{ kind, model, micros } = {}] = charges;
    assert.deepEqual([charges.length, kind, model, micros], [1, "image", "studio/brush", 3]);
  });

  it("[X4] asks no server once a budget is spent", async () => {
    const stop = { rule: "budgets.total.moneyPerDay", limit: 1 };
    const { charges, run } = setUp(() => assert.fail("no request"), stop);
    await assert.rejects(run(), /today's budget is used up/);
    assert.deepEqual(charges, []);
  });

  it("tells the model why there is no image", async () => {
    const { charges, run } = setUp(() => Promise.reject(new FileError("the server refused it")));
    await assert.rejects(run(), /^Error: no image: the server refused it$/);
    assert.deepEqual(charges, []);
  });
});
