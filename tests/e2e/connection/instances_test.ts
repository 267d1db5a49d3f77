/** Tests the bot's presence, and a second Barnacle beside the first. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { ended, stopBot, STOPPED, withSimulation, writeConfig } from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";

const config = (presence: object) => ({
  channels: {
    discord: {
      guilds: { "*": {} },
      dm: { allowFrom: ["ada"] },
      presence,
    },
  },
  http: { port: 0 },
});

describe("[C12] the bot's presence", () => {
  it("is visible from the start, and follows the config after a restart that resumes", () =>
    withSimulation({
      config: config({ status: "dnd", activity: "reading the tide tables" }),
    }, async (scene) => {
      const { mention, replies, say, simulator, until } = scene;
      const bot = await scene.start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      const { presences } = simulator.account();
      const [first] = presences;
      assert.deepEqual([first?.via, first?.status], ["identify", "dnd"]);
      assert.match(JSON.stringify(first), /reading the tide tables/);
      await stopBot(bot);
      writeConfig(scene, config({ status: "idle" }));
      await scene.start();
      const last = await until("the new one", () => presences.find(({ via }) => via === "update"));
      assert.equal(last.status, "idle");
      assert.doesNotMatch(JSON.stringify(last), /tide tables/);
      assert.equal(simulator.account().identifies.length, 1);
    }));
});

/**
 * Tests a second Barnacle beside the first: it does not start, and says why; or it replaces the
 * first if told to.
 */

/** Waits until a bot has exited, and returns the line with the reason. */
async function refusal(bot: SimulatedProcess): Promise<string> {
  assert.deepEqual(await ended(bot), { code: 75, signal: null }, bot.lines.join("\n"));
  const lines = bot.lines.filter((line) => line.startsWith("barnacle: "));
  assert.equal(lines.length, 1, bot.lines.join("\n"));
  assert.doesNotMatch(bot.lines.join("\n"), /internal error|^ +at /m);
  return lines[0] ?? "";
}

describe("[G11] a second instance on this host", () => {
  it("with the same token and other data exits with 75, and names the first and its data", () =>
    withSimulation({}, async (scene) => {
      const first = await scene.start();
      await using second = startSecondBot(scene);
      const line = await refusal(second);
      assert.match(line, new RegExp(`Another instance \\(pid ${first.pid}\\b`));
      assert.ok(line.includes(`data ${scene.dataDir}`), line);
      assert.match(line, /same bot token/);
      assert.ok(!line.includes(scene.simulator.token));
      assert.equal(scene.simulator.account().identifies.length, 1);
    }));
});

describe("[G11] barnacle run --force", () => {
  it("ends the first, resumes its session, and answers its open messages", () =>
    withSimulation({}, async ({ start, say, mention, replies, simulator, model, until, line }) => {
      const first = await start();
      model.behave("slow", 1);
      for (const text of ["q1", "q2"]) say("grace", "general", `${mention} ${text}`);
      await until("the turn to run", () => model.requests.length > 0);
      const second = await start({}, ["--force"]);
      assert.deepEqual(await first.exited, STOPPED);
      await line(second, new RegExp(`Asked the Barnacle with pid ${first.pid} to stop`));
      const texts = await replies("general", 2);
      assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q1", "q2"]);
      const { identifies, resumes } = simulator.account();
      assert.equal(identifies.length, 1);
      assert.deepEqual(resumes.map(({ outcome }) => outcome), ["resumed"]);
    }));
});
