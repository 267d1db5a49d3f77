import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { compact, fresh, reset } from "../../../src/interactions/commands/conversation.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

function build(entries: number, folded: "folded" | "nothing" | "failed" = "folded") {
  const asked: string[] = [];
  const conversations: InteractionContext["conversations"] = {
    reset: () => Promise.resolve(entries),
    compact: () => Promise.resolve(folded),
  };
  const ask: InteractionContext["ask"] = (_, { text }) => {
    asked.push(text);
    return Promise.resolve("here");
  };
  return { context: interactionContext({ conversations, ask }), asked };
}

describe("[K2] [S4a] /reset and /new", () => {
  it("begin a new conversation", async () => {
    const { context, asked } = build(4);
    assert.match(String(await reset.run(callOf("reset"), context)), /^A new conversation begins/);
    assert.match(String(await fresh.run(callOf("new"), context)), /^A new conversation begins/);
    assert.deepEqual(asked, []);
  });

  it("say so if there is nothing to leave behind", async () => {
    assert.match(String(await reset.run(callOf("reset"), build(0).context)), /is new already/);
  });

  it("/new may begin with a message", async () => {
    const { context, asked } = build(4);
    const call = callOf("new", { options: { message: "when is high tide?" } });
    assert.match(String(await fresh.run(call, context)), /^I'm on it/);
    assert.deepEqual(asked, ["when is high tide?"]);
  });
});

describe("[K2] [S4a] /compact", () => {
  for (
    const [outcome, text] of [
      ["folded", /folded this conversation/],
      ["nothing", /nothing to fold/],
      ["failed", /nothing has changed/],
    ] as const
  ) {
    it(`tells the outcome: ${outcome}`, async () => {
      const { context } = build(1, outcome);
      assert.match(String(await compact.run(callOf("compact"), context)), text);
    });
  }
});
