import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BudgetSpent, createAudioSpending } from "../../../src/core/spending/budget.ts";
import { channelId, sender } from "../../support/discord/builders.ts";

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
