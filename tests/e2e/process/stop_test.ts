/** Tests signals: a graceful stop and an immediate one lose nothing. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import {
  ended,
  type Scene,
  stopBot,
  STOPPED,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";
import { type NotifySocket, openNotifySocket } from "../../support/process/notify_socket.ts";

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

/** Plays with a service manager, and the environment that its unit sets. */
async function underManager(
  play: (
    scene: Scene,
    manager: NotifySocket,
    env: Readonly<Record<string, string>>,
  ) => Promise<void>,
  watchdogMs = 600,
): Promise<void> {
  await withSimulation({ env: { BARNACLE_FAULT: "block_main:3000" } }, async (scene) => {
    const path = join(scene.dataDir, "notify");
    using manager = await openNotifySocket(path);
    await play(scene, manager, { NOTIFY_SOCKET: path, WATCHDOG_USEC: `${watchdogMs * 1_000}` });
  });
}

function pingsOf(manager: NotifySocket): number {
  return manager.received().filter((state) => state === "WATCHDOG=1").length;
}

describe("[O4] a bot started by a service manager", () => {
  it("reports readiness, status, life signs and its stop", () =>
    underManager(async ({ start }, manager, env) => {
      const bot = await start(env);
      await manager.line(/^READY=1$/);
      await manager.line(/^STATUS=(pass|warn) {2}running/);
      await manager.line(/^WATCHDOG=1$/);
      await stopBot(bot);
      await manager.line(/^STOPPING=1$/);
      const all = manager.received();
      assert.equal(all.filter((state) => state === "READY=1").length, 1);
      assert.match(all.find((state) => state.startsWith("STOPPING")) ?? "", /EXTEND_TIMEOUT_USEC=/);
    }));

  it("is ready without a network, reports it, and keeps pinging", () =>
    underManager(async ({ startBot, line, ask, until }, manager, env) => {
      // Not port 9: a bot of another test may use the same token there.
      const bot = startBot({ ...env, DISCORD_API_URL: "http://127.0.0.1:10" });
      await manager.line(/^READY=1$/);
      await line(bot, /"Barnacle is running"/);
      assert.equal((await ask(bot, "/readyz")).status, 503);
      const before = pingsOf(manager);
      await until("more pings", () => pingsOf(manager) >= before + 3);
      await manager.line(/^STATUS=(warn|fail) {2}running, /);
    }));

  it("does not ping while its main thread is blocked", () =>
    underManager(async ({ start, until }, manager, env) => {
      const bot = await start(env);
      await until("a ping", () => pingsOf(manager) > 0);
      bot.kill("SIGUSR2"); // which a busy machine may deliver late
      let pings = pingsOf(manager);
      let at = performance.now();
      await until("two pings, and no other for two seconds between them", () => {
        if (pingsOf(manager) === pings) return false;
        const pauseMs = performance.now() - at;
        pings = pingsOf(manager);
        at = performance.now();
        return pauseMs > 2_000;
      });
    }));

  it("[C9] reloads its config at SIGHUP, and continues even if the config is invalid", () =>
    underManager(async (scene, manager, env) => {
      const { start, line, until, say, mention, replies } = scene;
      const bot = await start(env);
      await manager.line(/^READY=1$/);
      const valid = readFileSync(scene.configFile, "utf8");
      writeConfig(scene, { http: { port: "x" } });
      bot.kill("SIGHUP");
      await manager.line(/^RELOADING=1$/);
      await line(bot, /cannot be used; the current one stays/);
      await until(
        "ready again", // once for the signal, once for the changed file
        () => manager.received().filter((state) => state === "READY=1").length >= 2,
      );

      writeConfig(scene, { ...JSON.parse(valid), log: { level: "debug" } });
      bot.kill("SIGHUP");
      await line(bot, /The config has changed.*"key":"log.level".*"takesEffect":"now"/);
      say("grace", "general", `${mention} still there?`);
      await replies("general", 1);
    }));
});
