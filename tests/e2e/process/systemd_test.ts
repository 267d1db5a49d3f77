/** Tests the bot under a service manager: its reports, and the conditions of its pings. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Scene, stopBot, withSimulation, writeConfig } from "../../support/bot/e2e.ts";
import { type NotifySocket, openNotifySocket } from "../../support/process/notify_socket.ts";

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
