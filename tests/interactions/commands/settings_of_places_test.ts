import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { activation, send } from "../../../src/interactions/commands/settings.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

function build() {
  const chosen: (string | undefined)[] = [];
  const context = interactionContext({
    settings: {
      of: () => Promise.resolve(chosen.at(-1)),
      choose(_, __, value) {
        chosen.push(value);
        return Promise.resolve();
      },
    },
  });
  return { chosen, context };
}

describe("[K2] /activation and /send", () => {
  for (
    const [command, value, unset] of [[activation, "always", "default"], [
      send,
      "off",
      "inherit",
    ]] as const
  ) {
    it(`/${command.name} chooses for a channel, and goes back`, async () => {
      const { chosen, context } = build();
      const use = async (mode: string) =>
        String(await command.run(callOf(command.name, { options: { mode } }), context));
      assert.equal(await use(value), `\`/${command.name}\` is \`${value}\` here from now on.`);
      assert.equal(await use(unset), `\`/${command.name}\` is \`${unset}\` here from now on.`);
      assert.deepEqual(chosen, [value, undefined]);
    });
  }

  it("/activation refuses direct messages, which need no mention", async () => {
    const { chosen, context } = build();
    const call = callOf("activation", { options: { mode: "always" }, place: { kind: "dm" } });
    assert.match(String(await activation.run(call, context)), /works in servers only/);
    assert.deepEqual(chosen, []);
  });
});
