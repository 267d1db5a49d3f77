/** Tests gateway faults, and their effect on people on Discord. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import type { GatewayFaults } from "../../../simulator/gateway/server.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import type { Owed } from "../../support/bot/account.ts";
import { ended, killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { judge, settleIn } from "../../support/bot/survival.ts";
import { skipUnless } from "../../support/skip.ts";

/** Sends a message, and waits for its answer and for no second one. */
async function isAnswered({ say, mention, until, written }: Scene, name: string): Promise<void> {
  say("grace", "general", `${mention} ${name}.`);
  await until(name, () => written("general").some((text) => text.includes(`${name}.`)));
  assert.equal(written("general").filter((text) => text.includes(`${name}.`)).length, 1);
}

/** What ends a connection and leaves its session. */
const blows: Readonly<Record<string, (faults: GatewayFaults) => void>> = {
  "op 7": (faults) => faults.askReconnect(),
  "op 9, resumable": (faults) => faults.invalidate(true),
  "a lost connection": (faults) => faults.drop("reset"),
  "a connection that ends": (faults) => faults.drop("fin"),
  "close code 4000": (faults) => faults.drop(4000),
  "connections refused for a time"(faults) {
    Object.assign(faults, { welcome: "reset", welcomeTimes: 2 });
    faults.drop("reset");
  },
};

describe("[G1] [G2] [G5] the gateway connection", () => {
  it("[G3] resumes its session after each blow, and logs Discord's reason for a close", () =>
    withSimulation({}, async (scene) => {
      const { start, until, eventually, status, simulator } = scene;
      const bot = await start();
      await isAnswered(scene, "q0");
      await eventually(
        "no problem after a first start",
        async () => (await status(bot)).findings.every(({ status }) => status === "pass"),
      );
      assert.doesNotMatch(bot.lines.join("\n"), /Caught up/);
      const resumed = () =>
        simulator.account().resumes.filter(({ outcome }) => outcome === "resumed").length;
      for (const [index, [name, strike]] of Object.entries(blows).entries()) {
        strike(simulator.faults.gateway);
        await isAnswered(scene, `q${index + 1}`);
        await until(`one session after ${name}`, () => resumed() === index + 1);
        assert.equal(simulator.connected(), 1, name);
      }
      simulator.faults.gateway.sendRaw("<html>hunter2</html>");
      await isAnswered(scene, "after no JSON");
      assert.equal(simulator.connected(), 1);
      assert.equal(simulator.account().identifies.length, 1);
      const lines = bot.lines.filter((line) => line.includes("4000, unknown error"));
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /"level":"info".*"reason":"Told to close\."/);
      assert.doesNotMatch(bot.lines.join("\n"), /hunter/);
    }));

  it("[D3] begins no turn once Discord has refused the token, and runs it at the next start", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 401 }, async (scene) => {
      const { start, say, mention, simulator, model, until, rows, replies } = scene;
      const bot = await start();
      await isAnswered(scene, "q1");
      const asked = model.requests.length;
      const fault = { kind: "status", status: 401 } as const;
      const refusal = simulator.faults.rest.add({ fault });
      say("grace", "off-topic", `${mention} q2.`);
      assert.deepEqual(await ended(bot), { code: 77, signal: null });
      assert.equal(model.requests.length, asked);
      // On a busy machine, the preflight of the start also sees the refusal.
      const errors = bot.lines.filter((line) =>
        line.includes('"level":"error"') && !line.includes('"part":"preflight"')
      );
      assert.equal(errors.length, 1, errors.join("\n"));
      assert.doesNotMatch(bot.lines.join("\n"), /"stack"|Cannot read a channel's history/);
      const open = rows("SELECT 1 FROM inbox WHERE state NOT IN ('answered', 'declined')");
      assert.equal(open.length, 1);
      await until("the connection to end", () => simulator.connected() === 0);
      refusal.remove();
      await start();
      assert.match((await replies("off-topic", 1)).join(), /q2\./);
    }));

  it("[G9] continues without an intent that Discord does not grant, after one 4014", () =>
    withSimulation({}, async (scene) => {
      const { start, line, simulator, status } = scene;
      simulator.faults.gateway.closeOnIdentify.push(4014);
      const bot = await start();
      assert.match(await line(bot, /Content Intent: /), /portal|https:/);
      await isAnswered(scene, "q1");
      assert.equal(simulator.account().identifies.length, 2);
      const { findings } = await status(bot);
      const names = findings.filter((check) => check.status === "warn").map(({ id }) => id);
      assert.deepEqual(names.filter((name) => name.startsWith("discord.")), [
        "discord.intents.message_content",
      ]);
    }));
});

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

/**
 * Tests whether the kernel probes the gateway's connection, by `ss` on the program's own socket
 * instead of by the option's value (G8).
 */

const HAS_SS = ["/usr/bin/ss", "/bin/ss", "/usr/sbin/ss"].some((path) => existsSync(path));

/** Parses seconds of keepalive timers; `ss` writes 6.98 s as `6.984ms`, and 30 s as `30sec`. */
const KEEPALIVE = /timer:\(keepalive,(\d+)(?:\.\d+)?(?:sec|ms),/g;

/** The bot's connections to the gateway, as `ss` shows them. */
async function connectionsOf({ simulator: { gatewayUrl } }: Scene): Promise<string> {
  const port = `dport = :${new URL(gatewayUrl).port}`;
  const args = ["-tnoH", "state", "established", port];
  return (await promisify(execFile)("ss", args)).stdout;
}

/** Waits for a timer; right after a packet, `ss` shows the retransmission timer in its place. */
async function keepalive(scene: Scene): Promise<number> {
  let seconds: number | undefined;
  await scene.eventually("a keepalive", async () => {
    const found = [...(await connectionsOf(scene)).matchAll(KEEPALIVE)];
    seconds = found.length === 0
      ? undefined
      : Math.max(...found.map(([, digits]) => Number(digits)));
    return seconds !== undefined;
  });
  return seconds ?? 0;
}

describe("[G8] the gateway's socket", skipUnless(HAS_SS, "TCP keepalive: there is no ss"), () => {
  const play = sharedBot({});

  it("uses TCP keepalive every 30 s, as the kernel reports it", () =>
    play(async (scene) => {
      const seconds = await keepalive(scene);
      assert.ok(seconds > 20 && seconds <= 30, `${seconds}`);
    }));
});

/**
 * Tests a session that lacks events: a power cut undid events that Discord has already forgotten.
 * The session stays in use until a new one may begin, and the events are searched for over REST.
 */

/** Copies the store, and returns a function that restores it. */
function keepStore({ dataDir }: Scene): () => void {
  const names = () => readdirSync(dataDir).filter((name) => name.startsWith(DATABASE_NAME));
  const kept = names().map((name) => [name, readFileSync(join(dataDir, name))] as const);
  return () => {
    for (const name of names()) rmSync(join(dataDir, name));
    for (const [name, bytes] of kept) writeFileSync(join(dataDir, name), bytes, { mode: 0o600 });
  };
}

async function kill(bot: SimulatedProcess, { simulator, until }: Scene): Promise<void> {
  await killBot(bot);
  await until("the connection to be gone", () => simulator.connected() === 0);
}

/** A store without an acknowledged event, and the expected reply to it. */
async function loseEvent(scene: Scene): Promise<Owed> {
  const { simulator, model, start, say, mention, decided } = scene;
  await settleIn(scene);
  const restore = keepStore(scene);
  simulator.faults.gateway.forgetsNamed = true;
  model.behave("hang");
  const first = await start();
  await decided(say("grace", "general", `${mention} lost.`));
  await kill(first, scene);
  await kill(await start(), scene); // its RESUME acknowledges the event, which Discord then forgets
  restore();
  model.behave("script");
  return { channel: "general", pieces: ["lost."] };
}

describe("[G5b] a session that lacks events", () => {
  it("stays in use until a new one may begin: no first message of a sender is lost", () =>
    withSimulation({}, async (scene) => {
      const { simulator, start, say, mention, decided, replies } = scene;
      const { pieces } = await loseEvent(scene);
      const identified = simulator.account().identifies.length;
      const bot = await start();
      const direct = say("mallory", "dm", "hello, do you know me?");
      say("grace", "general", `${mention} live.`);
      assert.equal(await decided(direct), "challenge: pairing");
      await replies("dm", 1, "mallory");
      const owed = { channel: "general", pieces: [...pieces, "live."] };
      await judge(scene, bot, [owed]); // in this order
      assert.equal(simulator.account().identifies.length, identified + 1);
    }));
});
