import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model } from "../../../src/core/model.ts";
import type { Charge } from "../../../src/core/spending/usage.ts";
import { createTitleByModel } from "../../../src/flows/turn/answer_threads.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

/** A title by a model that answers with a text. */
function setUp(answer: string, isSpent = false) {
  const charges: Charge[] = [];
  let requests = 0;
  const model: Model = {
    id: "test/model",
    async *generate() {
      requests += 1;
      yield { kind: "text", text: answer };
      yield { kind: "finish", reason: "stop", usage: { inputTokens: 20, outputTokens: 4 } };
    },
  };
  const stop = { rule: "budgets.perUser.tokensPerDay", limit: 10 };
  const titleOf = createTitleByModel({
    randomId: () => "0123456789ab",
    schedule: () => () => {},
    stopping: new AbortController().signal,
    now: () => 1_000,
    log: recordingLog().log,
  }, {
    modelOf: () => model,
    spend: {
      check: () => Promise.resolve(isSpent ? stop : undefined),
      record: (charge) => void charges.push(charge),
    },
  });
  return { titleOf, charges, requests: () => requests };
}

describe("createTitleByModel()", () => {
  it("[X4] counts the request for the person who asked", async () => {
    const { titleOf, charges } = setUp("Krill and tides");
    const message = guildMessage();
    assert.equal(await titleOf(message, "main"), "Krill and tides");
    const [charge] = charges;
    assert.equal(charges.length, 1);
    assert.equal(charge?.userId, message.sender.id);
    assert.equal(charge?.guildId, message.guildId);
    assert.equal(charge?.kind, "summary");
    assert.equal(charge?.inputTokens, 20);
  });

  it("[X4] asks no model if a budget is spent", async () => {
    const { titleOf, requests } = setUp("Krill and tides", true);
    assert.equal(await titleOf(guildMessage(), "main"), "");
    assert.equal(requests(), 0);
  });
});
