/** Tests which messages are answered where, as people on Discord see it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../../simulator/world/world.ts";
import { type Scene, stopBot, withSimulation, writeConfig } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

/** Asks a later question and waits for its answer, so that all earlier questions are decided. */
async function settle({ say, mention, replies, written }: Scene): Promise<void> {
  const count = written("general").length + 1;
  say("grace", "general", `${mention} finally`);
  await replies("general", count);
}

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

  it("[P2] answers its owner's direct messages without a mention", () =>
    play(async ({ say, replies }) => {
      say("ada", "dm", "good morning");
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /good morning/);
    }));

  it("answers in several channels at once", () =>
    play(async ({ say, mention, replies }) => {
      for (const channel of ["general", "help", "off-topic"]) say("grace", channel, `${mention} x`);
      say("ada", "dm", "y");
      for (const channel of ["general", "help", "off-topic"]) await replies(channel, 1);
      await replies("dm", 1, "ada");
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

  const refusals: readonly [title: string, verdict: string, act: (scene: Scene) => Message][] = [
    ["a guild that no config lists", "ignore: guild-not-listed", ({ say, mention }) => {
      return say("edsger", "Elsewhere/#lounge", `${mention} hello`);
    }],
    ["what does not mention it", "ignore: no-mention", ({ say }) => {
      return say("grace", "general", "does anybody know?");
    }],
    ["a mention of everyone", "ignore: no-mention", ({ say }) => {
      return say("ada", "general", "@everyone look");
    }],
    ["another bot", "ignore: bot", ({ say, mention }) => {
      return say("Limpet", "general", `${mention} hello, colleague`);
    }],
    ["a webhook", "ignore: webhook", ({ say, mention }) => {
      return say("deploys", "general", `${mention} deployed`);
    }],
  ];
  for (const [title, verdict, act] of refusals) {
    it(`does not answer ${title}, and records the reason`, () =>
      play(async (scene) => {
        const message = act(scene);
        await settle(scene);
        assert.equal(await scene.decided(message), verdict);
        assert.equal(scene.simulator.posted().length, 1);
        assert.equal(scene.model.requests.length, 1);
      }));
  }

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
