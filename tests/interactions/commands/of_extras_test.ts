import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ButtonPress } from "../../../src/core/inbound/interactions.ts";
import { hearButton, VOICE } from "../../../src/interactions/commands/of_extras.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const answering = (text: string) => interactionContext({ byExtra: () => Promise.resolve(text) });

describe("[V1] [V3] /join, /leave and /deafen", () => {
  for (const { name, run, isOffered } of VOICE) {
    it(`/${name} is there with \`voice\`, and gives the answer of the call`, async () => {
      assert.equal(isOffered?.(interactionContext({ talks: () => false })), false);
      assert.equal(isOffered?.(interactionContext({ talks: () => true })), true);
      assert.equal(await run(callOf(name), answering("I am in <#1>.")), "I am in <#1>.");
      assert.match(String(await run(callOf(name), answering(""))), /my config has no `voice`/);
    });
  }

  it("answers a press for the person alone", async () => {
    const press = { kind: "button", customId: "hear:off" } as ButtonPress;
    assert.equal(hearButton.kind, "button");
    if (hearButton.kind !== "button") return;
    const told = await hearButton.run(press, answering("I do not hear you."));
    assert.deepEqual(told, { how: "reply", text: "I do not hear you." });
    assert.equal(await hearButton.run(press, answering("")), undefined);
  });
});
