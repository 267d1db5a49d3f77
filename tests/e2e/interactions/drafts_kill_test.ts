/**
 * Kills the bot with `kill -9` in a loop, while people ask and an owner decides about the drafts.
 *
 * A fixed seed chooses the moments: some are named points of the program, others are times from
 * outside.
 */

import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import assert from "node:assert/strict";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import { killBot, withSimulation } from "../../support/bot/e2e.ts";
import { settleIn } from "../../support/bot/survival.ts";
import { seeded } from "../../support/seeded.ts";

const SEED = 20_261_123;
const KILLS = 12;
const POINTS = [
  "before:TS",
  "after:TS",
  "after:T2",
  "before:T3",
  "after:T3",
  "after:T4",
  "posted",
  "posted:2",
  "answered",
  "before:T5",
];
/** Above the time in which the bot drops more presses of a person. */
const PRESS_EVERY_MS = 11_000;
const ADA = "1456074443980800000";
const REVIEWS = "off-topic";

it(`[A5] [D2] a draft is decided once, and posted at most once, in ${KILLS} kills`, () => {
  const { random, upTo, pick } = seeded(SEED);
  const answers = { channel: "" };
  return withSimulation({
    discord(simulator) {
      answers.channel = simulator.channel(REVIEWS).id;
      const [guildId = ""] = simulator.world.guilds.keys();
      const channels = { "*": {}, help: { approval: "never" } }; // where the scene settles in
      return { guilds: { [guildId]: { approval: "always", channels } } };
    },
    config: { commands: { ownerAllowFrom: [ADA] }, approvals: { answers } },
    // A killed process forgets Discord's rate limits; its interactions come again by a RESUME.
    mayRefuse: ({ status, path }) => status === 429 || /callback|@original/.test(path),
  }, async (scene) => {
    const { say, mention, startBot, simulator, until, written } = scene;
    const names: string[] = [];
    const cards = (): readonly Message[] => simulator.posted(answers.channel);
    const openCards = () => cards().filter(({ components }) => buttonsIn(components).length > 0);
    /** Presses a button of each open card: Post or Discard, by its question. */
    const decide = () => {
      for (const card of openCards()) {
        const number = Number(/q(\d+)\./.exec(textOf(card))?.[1]);
        const label = number % 3 === 0 ? NOTICES.discardDraft.text : NOTICES.postDraft.text;
        const button = buttonsIn(card.components).find((one) => one.label === label);
        assert.ok(button);
        simulator.press({ as: "ada", in: REVIEWS, message: card.id, customId: button.custom_id });
      }
    };
    await settleIn(scene);
    for (let kill = 0; kill < KILLS; kill++) {
      const name = `q${String(names.push("") + 100)}.`;
      names[names.length - 1] = name;
      // Of one person, ten drafts wait at most.
      say(kill % 2 === 0 ? "grace" : "ada", "general", `${mention} ${name}`);
      const bot = startBot(random() < 0.6 ? { BARNACLE_CRASH_AT: pick(POINTS) } : {});
      await Promise.race([bot.exited, sleep(upTo(700))]);
      decide();
      await Promise.race([bot.exited, sleep(50 + upTo(400))]);
      await killBot(bot);
    }
    await scene.start();
    const decided = (card: Message) => /chose: (Post|Discard)/.exec(textOf(card))?.[1];
    await until("a card of each question", () => cards().length >= names.length);
    while (!cards().every(decided)) {
      decide(); // a press at a bot that died is lost
      await until("decisions", () => cards().every(decided), PRESS_EVERY_MS).catch(() => {});
    }
    const texts = () => written("general");
    const of = (name: string) => texts().filter((text) => text.includes(name)).length;
    const posted = cards().filter((card) => decided(card) === "Post");
    await until("each posted draft", () => texts().length >= posted.length);
    for (const name of names) {
      const [card, ...more] = cards().filter((one) => textOf(one).includes(name));
      assert.ok(card && more.length === 0, `one card of ${name}`);
      assert.equal(of(name), decided(card) === "Post" ? 1 : 0, name);
    }
  });
});
