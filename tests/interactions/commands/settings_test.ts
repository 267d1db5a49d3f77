import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ThinkLevel } from "../../../src/core/people/chosen.ts";
import type { Command } from "../../../src/interactions/base/command.ts";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { readWords } from "../../../src/interactions/base/words.ts";
import { queue, reasoning, think, verbose } from "../../../src/interactions/commands/settings.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

/** Uses a command as a person writes it. */
function build(command: Command, parts: Partial<InteractionContext> = {}) {
  const chosen = new Map<string, string>();
  const context = interactionContext({
    settings: {
      of: (_, name) => Promise.resolve(chosen.get(name)),
      choose(_, name, value) {
        if (value === undefined) chosen.delete(name);
        else chosen.set(name, value);
        return Promise.resolve();
      },
    },
    ...parts,
  });
  const use = async (words = "") => {
    const read = readWords(command, words);
    assert.ok(read, `/${command.name} ${words}`);
    return String(await command.run(callOf(command.name, read), context));
  };
  return { use, chosen };
}

describe("[K2] /think", () => {
  const modelWith = (...refused: readonly ThinkLevel[]): Partial<InteractionContext> => ({
    models: {
      ids: () => assert.fail("not asked for"),
      of: () => assert.fail("not asked for"),
      choose: () => assert.fail("not asked for"),
      refusedThinking: () => Promise.resolve({ id: "a/small", levels: new Set(refused) }),
    },
  });

  it("chooses a level, and the model's own again", async () => {
    const { use, chosen } = build(think, modelWith());
    assert.equal(
      await use("high"),
      "`/think` is `high` here from now on.\n" +
        "If the server of `a/small` refuses it, I answer without it, and `/think` says so.",
    );
    assert.equal(chosen.get("think"), "high");
    assert.match(await use(), /^`\/think` is `high` here\..*`default`$/);
    assert.equal(await use("default"), "`/think` is `default` here from now on.");
    assert.equal(chosen.size, 0);
  });

  it("refuses a level that the model's server has refused, and tells of a chosen one", async () => {
    const { use, chosen } = build(think, modelWith("off"));
    const refused = "The server of `a/small` has refused the level `off`, so it has no effect.";
    assert.equal(await use("off"), refused);
    assert.equal(chosen.size, 0);
    chosen.set("think", "off");
    assert.ok((await use()).endsWith(refused));
  });
});

describe("[K2] /reasoning and /verbose", () => {
  for (const command of [reasoning, verbose]) {
    it(`/${command.name} is off, and can be switched on and off`, async () => {
      const { use, chosen } = build(command);
      assert.match(await use(), /is `off` here\. .*: `on`, `off`$/);
      assert.match(await use("on"), /is `on` here from now on\.$/);
      assert.equal(chosen.get(command.name), "on");
      assert.match(await use("off"), /is `off` here from now on\.$/);
      assert.equal(chosen.size, 0);
    });
  }
});

describe("[K2] [S5] /queue", () => {
  it("shows the mode, chooses one, and the config's again", async () => {
    const { use, chosen } = build(queue);
    assert.equal(
      await use(),
      "`/queue` is `default` here. To change it, choose one of: `collect`, `steer`, `followup`, " +
        "`interrupt`, `default`",
    );
    assert.equal(await use("Steer"), "`/queue` is `steer` here from now on.");
    assert.equal(chosen.get("queue"), "steer");
    assert.match(await use(), /^`\/queue` is `steer` here\./);
    assert.equal(await use("default"), "`/queue` is `default` here from now on.");
    assert.equal(chosen.size, 0);
  });

  it("takes no other words", () => {
    assert.equal(readWords(queue, "later"), undefined);
    assert.equal(readWords(queue, "steer now"), undefined);
  });
});
