/** Tests which messages are answered where, as people on Discord see it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stopBot, withSimulation, writeConfig } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

describe("[P2] [P6] [M1] the bot", () => {
  const play = sharedBot({});

  it("answers a mention in its channel, and in no other", () =>
    play(async ({ say, mention, replies, simulator }) => {
      say("grace", "general", `${mention} hello there`);
      const [reply = ""] = await replies("general", 1);
      assert.match(reply, /hello there/);
      assert.equal(simulator.posted().length, 1);
    }));

  it("[S2] answers in the thread of the question", () =>
    play(async ({ say, mention, replies, written }) => {
      const thread = "How do I feed krill?";
      say("grace", thread, `${mention} with what?`);
      assert.match((await replies(thread, 1))[0] ?? "", /with what/);
      assert.deepEqual(written("help"), []);
    }));

  it("[S5] answers a channel's messages one after the other, in order", () =>
    play(async ({ say, mention, replies }) => {
      const numbers = ["one", "two", "three", "four"];
      for (const number of numbers) say("grace", "general", `${mention} ${number}`);
      const texts = await replies("general", numbers.length);
      assert.deepEqual(
        texts.map((text) => numbers.find((one) => text.includes(`> ${one}\n`))),
        numbers,
      );
    }));

  it("[P6] is open, with mentions required, if only a token is set, and says so", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, replies, written } = scene;
      writeConfig(scene, { http: { port: 0 } });
      const bot = await start();
      assert.match(
        bot.lines.join("\n"),
        /every member of each guild may talk to the bot.*channels.discord.groupPolicy/,
      );
      say("grace", "general", "is anybody there?");
      say("grace", "general", `${mention} hello`);
      assert.match((await replies("general", 1))[0] ?? "", /hello/);
      await stopBot(bot);
      assert.equal(written("general").length, 1);
    }));
});
