/** Tests the gateway thread while the main thread is blocked for five seconds. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

const INTERVAL_MS = 1_500;
const BLOCKED_MS = 5_000;

it("[G1] [G8] keeps its heartbeats and its session while the main thread is blocked", () =>
  withSimulation({
    simulator: { heartbeatIntervalMs: INTERVAL_MS },
    env: { BARNACLE_FAULT: `block_main:${BLOCKED_MS}` },
  }, async ({ start, say, mention, replies, eventually, simulator, status, ask }) => {
    const bot = await start();
    say("grace", "general", `${mention} before`);
    await replies("general", 1);
    const account = simulator.account();
    const beats = account.heartbeats;

    const blockedAt = performance.now();
    bot.kill("SIGUSR2");
    say("grace", "general", `${mention} meanwhile`);
    const [, reply = ""] = await replies("general", 2);
    assert.ok(performance.now() - blockedAt >= BLOCKED_MS, "the thread was not blocked at all");
    assert.match(reply, /meanwhile/);

    assert.ok(account.heartbeats - beats >= 3, "beats in five seconds");
    // From the blocked thread, one would be late by more than three seconds.
    const worstMs = Math.max(...account.beats.map(({ lateMs }) => lateMs));
    assert.ok(worstMs <= 2_000, `late by ${worstMs} ms`);
    assert.equal(account.connections, 1);
    assert.equal(account.identifies.length, 1);
    assert.deepEqual(account.closes, []);

    await eventually(
      "health to show the delay",
      async () => (await status(bot)).snapshot.eventLoopLagMs > BLOCKED_MS / 2,
    );
    assert.equal((await ask(bot, "/livez")).status, 200);
  }));
