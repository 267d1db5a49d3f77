/** Tests the tool `discord` as people on Discord see it (T3 to T5), and through crashes (D1). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PermissionName } from "../../../simulator/actions/moderation.ts";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import { addMember } from "../../../simulator/world/create_world.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { GO_ON } from "../../../src/render/sentences.ts";
import { killBot, type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";

const call = (args: object) => `call: discord ${JSON.stringify(args)}`;

/**
 * Tests actions that change a server as people on Discord see them: their rights, undoing, crashes and
 * the record. `tests/flows/actions/actions_test.ts` runs each action.
 */

const NOW = Date.UTC(2026, 0, 2);

/** Allows grace's role, and the bot, to do something everywhere. */
function permit({ simulator }: Scene, what: PermissionName): void {
  for (const to of ["helpers", "Barnacle"]) simulator.permit({ to, what, as: "allowed" });
}

/** Asks for calls, one answer of the model each, and returns the bot's answer. */
async function askedOfDiscordActions(
  scene: Scene,
  calls: readonly object[],
  count = 1,
): Promise<string> {
  scene.say("grace", scene.here, `${scene.mention}\n${calls.map(call).join("\nthen\n")}`);
  return (await scene.replies(scene.here, count))[count - 1] ?? "";
}

describe("[T3] more destructive actions than `maxDestructive`", () => {
  const limit = { config: { tools: { discord: { maxDestructive: 1 } } } };

  /** Lets grace ask for names of a channel in one answer of the model, and waits for the card. */
  async function renamed(scene: Scene, names: readonly string[]): Promise<Message> {
    const { simulator, say, mention, until } = scene;
    permit(scene, "manageChannels");
    const channelId = String(simulator.channel("help").id);
    const calls = names.map((name) => call({ action: "channelEdit", channelId, name }));
    say("grace", "general", `${mention}\n${calls.join("\n")}`);
    const { id } = simulator.channel("general");
    return await until(
      "the card",
      () =>
        simulator.posted(id).findLast(({ components }) =>
          buttonsIn(components).some(({ label }) => label === GO_ON)
        ),
    );
  }

  function press({ simulator }: Scene, { id, components }: Message, label: string, as: string) {
    const button = buttonsIn(components).find((one) => one.label === label);
    assert.ok(button, `no button ${label}`);
    simulator.press({ as, in: "general", message: id, customId: button.custom_id });
  }

  const namesSet = ({ simulator }: Scene) =>
    simulator.requests.records().filter(({ method }) => method === "PATCH")
      .map(({ body, path }) => path.includes("/messages/") ? undefined : Object(body)["name"])
      .filter((name) => name !== undefined);

  it('wait for one "Go on" of the asker, also through a restart, and do not happen if an owner says no', () =>
    withSimulation(limit, async (scene) => {
      const { simulator, until, eventually, user } = scene;
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      addMember(krill, { userId: user("mallory").id, joinedAt: NOW });
      const first = await scene.start();
      const card = await renamed(scene, ["one", "two", "three"]);
      assert.match(textOf(card), /3 destructive changes/);
      assert.match(textOf(card), /change <#\d+>: name "two"[^]*name "three"/);
      assert.deepEqual(namesSet(scene), ["one"]);
      await killBot(first);
      // The next process does not know which of Discord's limits this one has used up in this second.
      const { at } = simulator.requests.records().at(-1) ?? { at: 0 };
      await eventually("free limits", () => Promise.resolve(Date.now() - at > 1_000));
      await scene.start();
      press(scene, card, GO_ON, "mallory");
      await until(
        "a refusal",
        () =>
          simulator.ephemeral("mallory").some(({ content }) =>
            content === "This question is not for you."
          ),
      );
      assert.deepEqual(namesSet(scene), ["one"]);
      press(scene, card, GO_ON, "grace");
      await until("the changes", () => namesSet(scene).length === 3);
      assert.deepEqual(namesSet(scene), ["one", "two", "three"]);
      await until("the answer", () => scene.written("general").length > 1);
      simulator.renameChannel("three", "help");
      press(scene, await renamed(scene, ["four", "five", "six"]), "Deny", "ada");
      await until(
        "the refusal",
        () =>
          scene.written("general").some((text) => /changes by itself; a person said no/.test(text)),
      );
      assert.deepEqual(namesSet(scene), ["one", "two", "three", "four"]);
    }));
});

describe("[T3] the Undo button below an answer", () => {
  it("takes its changes back for the asker or an owner, also after a restart", () =>
    withSimulation({}, async (scene) => {
      const { simulator, until, user } = scene;
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      addMember(krill, { userId: user("mallory").id, joinedAt: NOW });
      permit(scene, "manageChannels");
      const first = await scene.start();
      const channelId = String(simulator.channel("help").id);
      await askedOfDiscordActions(scene, [{ action: "channelInfo" }]);
      await askedOfDiscordActions(scene, [
        { action: "channelEdit", channelId, name: "aid" },
        { action: "channelEdit", channelId, topic: "All" },
      ], 2);
      const posted = simulator.posted(simulator.channel("general").id);
      const withButtons = posted.filter(({ components }) => components.length > 0);
      assert.equal(withButtons.length, 1);
      const [answer] = withButtons;
      const [button] = buttonsIn(answer?.components ?? []);
      assert.ok(answer && button);
      assert.equal(button.label, "Undo");
      assert.match(answer.content, /\n-# ✓ channel edited <#\d+> ×2$/);
      const press = (as: string) =>
        simulator.press({ as, in: "general", message: answer.id, customId: button.custom_id });
      const told = (as: string, what: RegExp) =>
        until(
          `${as} to be told`,
          () => simulator.ephemeral(as).some(({ content }) => what.test(content)),
        );
      press("mallory");
      await told("mallory", /there is no change/);
      assert.ok(simulator.channel("aid"));
      await stopBot(first);
      await scene.start();
      press("grace");
      await told("grace", /^Undone: change <#\d+>[^]*Undone: change <#\d+>/);
      assert.ok(simulator.channel("help"));
      const now = () =>
        simulator.posted(simulator.channel("general").id)
          .find(({ id }) => id === answer.id);
      await until(
        "the receipts to say so",
        () => /\n-# ↩ channel edited <#\d+> ×2$/.test(now()?.content ?? ""),
      );
      assert.deepEqual(now()?.components, [], "nothing is left to undo");
    }));
});
