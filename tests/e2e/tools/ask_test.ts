/** Tests questions of the model to people: the turn waits, and continues with the answer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addRole } from "../../../simulator/world/create_world.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { ended, killBot, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

const BLOCKED_MS = 5_000;
const ASK = 'call: ask {"question":"Which colour?","options":["red","blue"]}';

/** The card of the newest question in a channel, once it arrives. */
function card({ simulator, until, here }: Scene, where = here, as?: string): Promise<Message> {
  const { id } = simulator.channel(where, as);
  return until("a question", () => simulator.posted(id).findLast(hasButtons));
}

function hasButtons({ components }: Message): boolean {
  return usableIn(components).length > 0;
}

function press(
  { simulator, here }: Scene,
  message: Message,
  label: string,
  as: string,
  where = here,
): void {
  const button = buttonsIn(message.components).find((one) => one.label === label);
  assert.ok(button, `no button ${label} in ${JSON.stringify(message.components)}`);
  simulator.press({ as, in: where, message: message.id, customId: button.custom_id });
}

/** The texts of the bot's messages that answer. */
function answers({ written, here }: Scene): readonly string[] {
  return written(here).filter((text) => text.includes("The tools returned"));
}

/** Mallory joins, and may have the role "mates", which may manage channels. */
function withMates({ simulator }: Scene): void {
  const { world, permit, invite } = simulator;
  const [krill] = world.guilds.values();
  assert.ok(krill);
  const right = { name: "mates", permissions: PERMISSION.manageChannels };
  addRole(world, krill, right, Date.UTC(2026, 0, 2));
  permit({ to: "Barnacle", what: "manageChannels", as: "allowed" });
  invite({ who: "mallory" });
}

describe("[T10] the tool `ask`", () => {
  const env = { BARNACLE_FAULT: `block_main:${BLOCKED_MS}` };
  const play = sharedBot({ env }, withMates);

  it("shows buttons, and the turn goes on with the answer", () =>
    play(async (scene) => {
      const { say, mention, until, simulator, here } = scene;
      say("grace", here, `${mention}\n${ASK}`);
      const asked = await card(scene);
      assert.match(textOf(asked), /Which colour\?/);
      assert.match(textOf(asked), new RegExp(`<@${scene.user("grace").id}>`));
      press(scene, asked, "blue", "ada"); // not hers
      await until(
        "a refusal",
        () =>
          simulator.ephemeral("ada").some(({ content }) =>
            content === "This question is not for you."
          ),
      );
      assert.deepEqual(answers(scene), []);
      press(scene, asked, "red", "grace");
      const [answer = ""] = await until("the answer", () => {
        const all = answers(scene);
        return all.length > 0 && all;
      });
      assert.match(answer, /"answer":"red"/);
      await until("the card to be settled", () => {
        const now = simulator.posted(asked.channelId).find(({ id }) => id === asked.id);
        return now && !hasButtons(now) && /red/.test(textOf(now));
      });
    }));

  for (const point of crashPoints(["after:TS:2"], ["before:TS:2"])) {
    it(`[D1] survives a crash at ${point}: one card, one answer`, () =>
      withSimulation({}, async (scene) => {
        const { start, say, mention, until, simulator } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        say("grace", "general", `${mention}\n${ASK}`);
        assert.deepEqual(await ended(dying), KILLED);
        const second = await start();
        const asked = await card(scene);
        await killBot(second);
        await start();
        press(scene, asked, "red", "grace");
        await until("the answer", () => answers(scene).length > 0);
        assert.equal(answers(scene).length, 1);
        const cards = simulator.posted(asked.channelId).map(textOf).filter((text) =>
          text.includes("Which colour?") && !text.includes("The tools returned")
        );
        assert.equal(cards.length, 1);
      }));
  }

  describe("with many options", () => {
  });
});
