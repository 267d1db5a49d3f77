import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BotFacts, drawBotCard } from "../../../src/cli/demo/bot_panel.ts";
import { SCRIPT } from "../../../src/cli/demo/models.ts";

const FACTS: BotFacts = {
  pid: 7,
  isConnected: true,
  calls: { identifies: [1], resumes: [1, 2] },
  figures: [{ name: "Memory", value: "60 MB" }],
  models: [SCRIPT, { id: "openai", label: "gpt", hint: "", env: {} }],
  modelId: "openai",
  faults: [],
};

describe("drawBotCard()", () => {
  const states: readonly [Partial<BotFacts>, string, readonly string[]][] = [
    [{}, "online", ["pid 7", "60 MB", "1", "2"]],
    [{ isConnected: false }, "away", ["pid 7", "60 MB", "1", "2"]],
    [{ pid: undefined }, "offline", ["none", "1", "2"]],
  ];
  for (const [change, state, values] of states) {
    it(`shows a bot that is ${state}`, () => {
      const card = drawBotCard({ ...FACTS, ...change });
      assert.equal(card.state, state);
      assert.deepEqual(card.figures.map(({ value }) => value), values);
    });
  }

  it("offers each model, and marks the current one", () => {
    const { controls } = drawBotCard(FACTS);
    assert.deepEqual(
      controls.map(({ id, isOn }) => [id, isOn]),
      [[`model:${SCRIPT.id}`, false], ["model:openai", true], ["reset", false]],
    );
  });
});
