/** Tests which messages are answered where, as people on Discord see it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, type Scene, STOPPED, withSimulation, writeConfig } from "../../support/bot/e2e.ts";

/** Asks a later question and waits for its answer, so that all earlier questions are decided. */
async function settle({ say, mention, replies, written }: Scene): Promise<void> {
  say("grace", "general", `${mention} finally`);
  const count = written("general").length + 1;
  await replies("general", count);
}

/** The verdict on the last message, once the bot has stopped. */
function lastVerdict({ rows }: Scene): unknown {
  const [last] = rows("SELECT verdict, why FROM decision ORDER BY id DESC LIMIT 1 OFFSET 1");
  return last && `${last["verdict"]}: ${last["why"]}`;
}

describe("[P2] [P6] [M1] the bot", () => {
  it("answers a mention in its channel, and in no other", () =>
    withSimulation({}, async ({ start, say, mention, replies, simulator }) => {
      await start();
      say("grace", "general", `${mention} hello there`);
      const [reply = ""] = await replies("general", 1);
      assert.match(reply, /hello there/);
      assert.equal(simulator.posted().length, 1);
    }));

  it("[S2] answers in the thread of the question", () =>
    withSimulation({}, async ({ start, say, mention, replies, written }) => {
      await start();
      const thread = "How do I feed krill?";
      say("grace", thread, `${mention} with what?`);
      assert.match((await replies(thread, 1))[0] ?? "", /with what/);
      assert.deepEqual(written("help"), []);
    }));

  it("[P2] answers its owner's direct messages without a mention", () =>
    withSimulation({}, async ({ start, say, replies }) => {
      await start();
      say("ada", "dm", "good morning");
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /good morning/);
    }));

  it("answers in several channels at once", () =>
    withSimulation({}, async ({ start, say, mention, replies }) => {
      await start();
      for (const channel of ["general", "help", "off-topic"]) say("grace", channel, `${mention} x`);
      say("ada", "dm", "y");
      for (const channel of ["general", "help", "off-topic"]) await replies(channel, 1);
      await replies("dm", 1, "ada");
    }));

  it("[S5] answers a channel's messages one after the other, in order", () =>
    withSimulation({}, async ({ start, say, mention, replies }) => {
      await start();
      const numbers = ["one", "two", "three", "four"];
      for (const number of numbers) say("grace", "general", `${mention} ${number}`);
      const texts = await replies("general", numbers.length);
      assert.deepEqual(
        texts.map((text) => numbers.find((one) => text.includes(`> ${one}\n`))),
        numbers,
      );
    }));

  const refusals: readonly [title: string, verdict: string, act: (scene: Scene) => void][] = [
    ["a guild that no config lists", "ignore: guild-not-listed", ({ say, mention }) => {
      say("edsger", "Elsewhere/#lounge", `${mention} hello`);
    }],
    ["what does not mention it", "ignore: no-mention", ({ say }) => {
      say("grace", "general", "does anybody know?");
    }],
    ["a mention of everyone", "ignore: no-mention", ({ say }) => {
      say("ada", "general", "@everyone look");
    }],
    ["another bot", "ignore: bot", ({ say, mention }) => {
      say("Limpet", "general", `${mention} hello, colleague`);
    }],
    ["a webhook", "ignore: webhook", ({ say, mention }) => {
      say("deploys", "general", `${mention} deployed`);
    }],
  ];
  for (const [title, verdict, act] of refusals) {
    it(`does not answer ${title}, and records the reason`, () =>
      withSimulation({}, async (scene) => {
        const bot = await scene.start();
        act(scene);
        await settle(scene);
        bot.kill("SIGTERM");
        assert.deepEqual(await ended(bot), STOPPED);
        assert.equal(scene.simulator.posted().length, 1);
        assert.equal(scene.model.requests.length, 1);
        assert.equal(lastVerdict(scene), verdict);
      }));
  }

  it("[P6] is open in guilds of its owner, with mentions required, if only a token is set, and says so", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, replies, written } = scene;
      writeConfig(scene, { http: { port: 0 } });
      const bot = await start();
      assert.match(
        bot.lines.join("\n"),
        /every member may talk to the bot in each guild of its owners/,
      );
      say("grace", "general", "is anybody there?");
      say("grace", "general", `${mention} hello`);
      assert.match((await replies("general", 1))[0] ?? "", /hello/);
      assert.equal(written("general").length, 1);
    }));
});
