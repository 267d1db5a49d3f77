/**
 * Tests a message whose nonce Discord has forgotten: Barnacle checks the channel before it sends
 * the message again. If it cannot read the channel, a person decides.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";

const WINDOW_MS = 1_000;
const OPTIONS = {
  discord: () => ({ rest: { timeoutSec: 1, nonceWindowSec: WINDOW_MS / 1_000 } }),
  simulator: { nonceWindowMs: WINDOW_MS + 200, rateLimits: false },
} as const;

const ONLINE = /Discord began a new session/;

/** The process dies as the request arrives, and Discord forgets the nonce before the next start. */
async function dieAsking(scene: Scene, isDone: boolean): Promise<void> {
  const { simulator, start, say, mention } = scene;
  const bot = await start();
  if (!isDone) {
    const fault = { kind: "reset" } as const;
    simulator.faults.rest.add({ method: "POST", route: "/channels/:id/messages", times: 1, fault });
  }
  const stop = simulator.requests.subscribe(({ method, route }) => {
    if (method === "POST" && route === "/channels/:id/messages") bot.kill("SIGKILL");
  });
  say("grace", "general", `${mention} q1.`);
  assert.deepEqual(await ended(bot), KILLED);
  stop();
  simulator.faults.gateway.forgetSessions(); // otherwise the echo would reveal it
  await sleep(WINDOW_MS + 300);
}

const created = ({ simulator }: Scene) =>
  simulator.requests.records().filter(({ method, route }) =>
    method === "POST" && route === "/channels/:id/messages"
  );

describe("[D2] a message whose nonce Discord has forgotten", () => {
  it("is not sent again if the channel shows it", () =>
    withSimulation(OPTIONS, async (scene) => {
      await dieAsking(scene, true);
      await scene.line(scene.startBot(), ONLINE);
      scene.say("grace", "general", `${scene.mention} q2.`);
      const texts = await scene.replies("general", 2);
      assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q1", "q2"]);
      assert.equal(created(scene).length, 2);
    }));

  it("[D5] is held if the channel cannot be read, until a person decides; the asker gets one word", () =>
    // The reaction to a question that waits needs Read Message History as well.
    withSimulation({ ...OPTIONS, mayRefuse: ({ method }) => method === "PUT" }, async (scene) => {
      const { simulator, command, dataDir, replies, eventually, written } = scene;
      await dieAsking(scene, true);
      const denied = { to: "Barnacle", what: "readMessageHistory", in: "general" } as const;
      simulator.permit({ ...denied, as: "denied" });
      const bot = scene.startBot();
      const list = async () => (await command(["outbox", "--data", dataDir])).stdout.join("\n");
      await eventually("it to be held", async () => /uncertain/.test(await list()));
      await scene.line(bot, ONLINE);
      scene.say("grace", "general", `${scene.mention} q2.`);
      const texts = await replies("general", 3); // it delays no other message
      const isWord = (text: string) =>
        text.startsWith("I can't tell whether my answer has arrived");
      assert.deepEqual(
        texts.filter((text) => !isWord(text)).map((text) => /q\d/.exec(text)?.[0]),
        ["q1", "q2"],
      );
      assert.equal(texts.filter(isWord).length, 1, texts.join("\n"));
      const id = /^\s*(\d+)\s+uncertain/m.exec(await list())?.[1];
      assert.ok(id);
      const dropped = await command(["outbox", "drop", id, "--data", dataDir]);
      assert.equal(dropped.code, 0, dropped.stderr.join("\n"));
      assert.doesNotMatch(await list(), /uncertain/);
      assert.equal(written("general").length, 3);
    }));
});
