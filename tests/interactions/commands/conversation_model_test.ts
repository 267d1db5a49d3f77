import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OptionTyping } from "../../../src/core/inbound/interactions.ts";
import { model, models } from "../../../src/interactions/commands/conversation.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

function build() {
  let chosen: string | undefined;
  const context = interactionContext({
    models: {
      ids: () => ["a/small", "b/large"],
      of: () => Promise.resolve({ id: chosen ?? "a/small" }),
      refusedThinking: () => assert.fail("not asked for"),
      choose(_, id) {
        chosen = id;
        return Promise.resolve();
      },
    },
  });
  const use = async (wanted?: string) =>
    String(
      await model.run(
        callOf("model", wanted === undefined ? {} : { options: { model: wanted } }),
        context,
      ),
    );
  return { use, context, now: () => chosen };
}

describe("[K2] /model", () => {
  it("lists the models, and marks that of the conversation", async () => {
    const { use, context } = build();
    const text = await use();
    assert.match(text, /\*\*→\*\* `a\/small`\n– `b\/large`$/);
    assert.equal(await models.run(callOf("models"), context), text);
  });

  it("chooses one, whatever its case, and the config's again", async () => {
    const { use, now } = build();
    assert.match(await use("B/Large"), /uses `b\/large` from now on/);
    assert.equal(now(), "b/large");
    assert.match(await use("default"), /uses `a\/small` from now on/);
    assert.equal(now(), undefined);
  });

  it("refuses a model that the config does not name, and changes nothing", async () => {
    const { use, now } = build();
    assert.match(await use("c/`x`"), /^I have no model `c\/'x'`\.\n/);
    assert.equal(now(), undefined);
  });

  it("suggests the models that contain the typed text", async () => {
    const { context } = build();
    const typing = {
      ...callOf("model"),
      kind: "typing",
      typed: { option: "model", text: "lar" },
    } as unknown as OptionTyping;
    assert.deepEqual(await model.options![0]?.suggest?.(typing, context), [
      { name: "b/large", value: "b/large" },
    ]);
  });
});
