/** Tests signals: a graceful stop and an immediate one lose nothing. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { ended, stopBot, STOPPED, withSimulation } from "../../support/bot/e2e.ts";

/** Sends a signal again and again, until the bot counts it as the second one. */
async function insist(
  bot: SimulatedProcess,
  signal: "SIGTERM" | "SIGINT",
  code: number,
): Promise<void> {
  const again = setInterval(() => bot.kill(signal), 50);
  try {
    assert.deepEqual(await ended(bot), { code, signal: null });
  } finally {
    clearInterval(again);
  }
}

describe("[G12] [O7] a signal to the bot", () => {
  it("SIGTERM lets a running turn end, sends its answer, and keeps the session; SIGINT stops it too", () =>
    withSimulation({}, async ({ start, say, mention, replies, model, until, simulator }) => {
      const bot = await start();
      model.behave("slow");
      say("grace", "general", `${mention} q1`);
      await until("the turn to run", () => model.requests.length > 0);
      await stopBot(bot);
      assert.match((await replies("general", 1))[0] ?? "", /q1/);
      const waits = bot.lines.find((line) => line.includes('"Waiting for running turns'));
      assert.equal(JSON.parse(waits ?? "{}").fields?.turns, 1, bot.lines.join("\n"));
      assert.match(waits ?? "", /second signal/);

      const next = await start();
      const { identifies, resumes, clientCloses } = simulator.account();
      assert.equal(identifies.length, 1);
      assert.deepEqual(resumes.map(({ outcome }) => outcome), ["resumed"]);
      assert.ok(clientCloses.every((code) => code !== 1000 && code !== 1001), `${clientCloses}`);
      next.kill("SIGINT");
      assert.deepEqual(await ended(next), STOPPED);
      assert.doesNotMatch(next.lines.join("\n"), /Waiting for running turns/);
    }));

  it("SIGTERM silently leaves a turn that exceeds the grace period to the next start", () =>
    withSimulation({ config: { shutdown: { graceSec: 0.5 } } }, async (scene) => {
      const { start, say, mention, replies, model, until, written } = scene;
      const bot = await start();
      model.behave("hang", 1);
      say("grace", "general", `${mention} q1`);
      await until("the turn to run", () => model.requests.length > 0);
      await stopBot(bot);
      assert.deepEqual(written("general"), []);

      await start();
      const [reply = ""] = await replies("general", 1);
      assert.match(reply, /q1/);
      assert.equal(model.requests.length, 2);
    }));

  it("two SIGTERM at once, as `timeout` sends them, stop claiming messages, and the next start answers them", () =>
    withSimulation({}, async ({ start, say, mention, replies, model, until, written, rows }) => {
      const bot = await start();
      model.behave("slow", 1);
      for (const name of ["q1", "q2", "q3"]) say("grace", "general", `${mention} ${name}`);
      await until("the turn to run", () => model.requests.length > 0);
      bot.kill("SIGTERM");
      await stopBot(bot);
      assert.equal(written("general").length, 1);
      assert.equal(model.requests.length, 1);
      assert.deepEqual(rows("SELECT ending FROM run"), [{ ending: "stopped" }]);

      await start();
      const texts = await replies("general", 3);
      assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q1", "q2", "q3"]);
    }));

  it("a second SIGTERM exits at once with 143, and the next start continues the turn", () =>
    withSimulation({}, async ({ start, line, say, mention, replies, model, until }) => {
      const bot = await start();
      model.behave("hang", 1);
      say("grace", "general", `${mention} q1`);
      await until("the turn to run", () => model.requests.length > 0);
      bot.kill("SIGTERM");
      await line(bot, /"Stopping"/);
      await insist(bot, "SIGTERM", 143);

      const next = await start();
      assert.match((await replies("general", 1))[0] ?? "", /q1/);
      assert.doesNotMatch(next.lines.join("\n"), /The last run/, "it is no crash");
    }));
});
