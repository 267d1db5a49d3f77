/** Tests questions of the model to people: the turn waits, and continues with the answer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addRole } from "../../../simulator/world/create_world.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import { GO_ON } from "../../../src/render/sentences.ts";
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

  it("answers other messages meanwhile", () =>
    play(async (scene) => {
      const { say, mention, until, here } = scene;
      say("grace", here, `${mention}\n${ASK}`);
      const asked = await card(scene);
      say("grace", here, `${mention} What time is it?`);
      await until("another answer", () =>
        scene.written(here).some((text) => text.includes("What time is it?")));
      press(scene, asked, "blue", "grace");
      await until("the answer", () =>
        answers(scene).some((text) => text.includes('"blue"')));
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
    const options = Array.from({ length: 30 }, (_, index) => `Option ${index + 1}`);

    function choose(
      { simulator, here }: Scene,
      message: Message,
      at: number,
      labels: readonly string[],
    ) {
      const menu = usableIn(message.components)[at];
      simulator.choose({
        as: "grace",
        in: here,
        message: message.id,
        customId: menu?.custom_id ?? "",
        labels,
      });
    }

    it("shows menus, and the turn goes on with the chosen option", () =>
      play(async (scene) => {
        const { say, mention, until, here } = scene;
        say(
          "grace",
          here,
          `${mention}\ncall: ask ${JSON.stringify({ question: "Which?", options })}`,
        );
        const asked = await card(scene);
        assert.deepEqual(usableIn(asked.components).map(({ type }) => type), [3, 3]);
        choose(scene, asked, 1, ["Option 27"]);
        await until(
          "the answer",
          () => answers(scene).some((text) => text.includes('"answer":"Option 27"')),
        );
      }));

    it("lets a person choose several, in plain text too", () =>
      play(async (scene) => {
        const { say, mention, until, simulator, here } = scene;
        const call = { question: "Which?", options: options.slice(0, 3), upTo: 2 };
        say("grace", here, `${mention}\ncall: ask ${JSON.stringify(call)}`);
        const asked = await card(scene);
        assert.match(asked.content, /Which\?/, "it is no card in the second layout");
        assert.throws(() => choose(scene, asked, 0, options.slice(0, 3)));
        choose(scene, asked, 0, ["Option 1", "Option 3"]);
        await until(
          "the answer",
          () => answers(scene).some((text) => text.includes('"answer":["Option 1","Option 3"]')),
        );
        await until("the card to be settled", () => {
          const now = simulator.posted(asked.channelId).find(({ id }) => id === asked.id);
          return now && !hasButtons(now) && /Option 1, Option 3/.test(now.content);
        });
      }, { config: { messages: { cards: "text" } } }));
  });
  it("[T4] [SEC-R4] shows a hidden channel once the asker presses the card, an owner's turn too", () =>
    play(async (scene) => {
      const { say, mention, until, here, simulator } = scene;
      const hidden = simulator.channel("off-topic").id;
      say("grace", "off-topic", "The launch codeword is heron.");
      simulator.permit({ in: "off-topic", to: "@everyone", what: "viewChannel", as: "denied" });
      for (const to of ["grace", "ada", "Barnacle"]) {
        for (const what of ["viewChannel", "readMessageHistory"] as const) {
          simulator.permit({ in: "off-topic", to, what, as: "allowed" });
        }
      }
      // The words of a member in the owner's turn; the model obeys them.
      const read = `call: read_channel_history {"channelId":"${hidden}"}`;
      say("ada", here, `${mention} What did I miss?\n${read}`);
      const asked = await card(scene);
      assert.match(textOf(asked), new RegExp(`<#${hidden}>`));
      assert.doesNotMatch(textOf(asked), /heron|off-topic/);
      press(scene, asked, GO_ON, "grace"); // not hers
      await until(
        "a refusal",
        () =>
          simulator.ephemeral("grace").some(({ content }) =>
            content === "This question is not for you."
          ),
      );
      assert.deepEqual(answers(scene), []);
      press(scene, asked, GO_ON, "ada");
      await until("the answer", () => answers(scene).some((text) => /heron/.test(text)));
      // A search in the same place asks no one, and shows nothing of it.
      const search = `call: discord {"action":"searchMessages","query":"heron"}`;
      say("ada", here, `${mention} And now?\n${search}`);
      await until("the second answer", () => answers(scene).length === 2);
      assert.doesNotMatch(answers(scene).at(-1) ?? "", /heron\./);
      // Neither do notes and reminders of that channel, and a write from there asks first.
      const told = (): readonly string[] =>
        scene.written("off-topic").filter((text) => text.includes("The tools returned"));
      for (
        const call of [
          'memory {"action":"save","scope":"guild","text":"heron note"}',
          'remind {"action":"create","when":"2h","text":"heron reminder"}',
        ]
      ) {
        const before = told().length;
        say("ada", "off-topic", `${mention}\ncall: ${call}`);
        await until("an answer there", () => told().length > before);
        assert.match(told().at(-1) ?? "", /Saved as note|Set:/);
      }
      for (const call of ['memory {"action":"search"}', 'remind {"action":"list"}']) {
        const before = answers(scene).length;
        say("ada", here, `${mention}\ncall: ${call}`);
        await until("an answer", () => answers(scene).length > before);
        assert.doesNotMatch(answers(scene).at(-1) ?? "", /heron (note|reminder)/);
      }
      assert.match(answers(scene).at(-1) ?? "", new RegExp(`<#${hidden}>`));
      const write = {
        action: "sendMessage",
        channelId: simulator.channel(here).id,
        text: "her\\u006fn", // so the asker's message has not the word
      };
      const call = JSON.stringify(write).replace("\\\\", "\\");
      const isPosted = () => scene.written(here).includes("heron");
      say("ada", "off-topic", `${mention}\ncall: discord ${call}`);
      const sending = await card(scene, "off-topic");
      assert.match(
        textOf(sending),
        new RegExp(`Send it\\?[^]*"heron"[^]*<#${write.channelId}>`),
      );
      assert.ok(!isPosted());
      press(scene, sending, GO_ON, "ada", "off-topic");
      await until("the message", isPosted);
    }));
});
