/**
 * Tests a channel in which the bot may not post. The log names it, the owner is told once, and its
 * answers arrive once the permission is granted.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

const WORDS = "cannot post in #general: Send Messages is denied for the role Barnacle";
const DENIED = { to: "Barnacle", what: "sendMessages", in: "general" } as const;

describe("[R11] [D5] a channel that refuses the bot's messages", () => {
  it("is parked with the reason, delays no other channel, and gets its answers later", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 403 }, async (scene) => {
      const { simulator, start, say, mention, line, written, until, eventually, replies, command } =
        scene;
      const bot = await start();
      simulator.permit({ ...DENIED, as: "denied" });
      say("grace", "general", `${mention} q1.`);
      await line(bot, new RegExp(WORDS));
      const told = () => written("dm", "ada");
      await until("the owner to be told", () => told().length > 0);
      assert.ok(told()[0]?.includes(WORDS), told().join("\n"));

      say("grace", "off-topic", `${mention} q2.`);
      await replies("off-topic", 1);
      // A new answer for the channel is tried in vain, and causes no second notice.
      const refused = () => simulator.requests.records().filter(({ status }) => status === 403);
      const before = refused().length;
      say("grace", "general", `${mention} q3.`);
      await until("another refusal", () => refused().length > before);
      say("grace", "off-topic", `${mention} q4.`);
      await replies("off-topic", 2);
      assert.equal(told().length, 1);
      const waiting = await command(["outbox", "--data", scene.dataDir]);
      assert.match(waiting.stdout.join("\n"), /parked.*Send Messages is denied/);
      const shown = async () => (await command(["status", "--data", scene.dataDir])).stdout.join();
      const isShown = /Channel .*2 waiting: cannot post in #general/;
      await eventually("the status with both", async () => isShown.test(await shown()));

      simulator.permit({ ...DENIED, as: "unset" });
      const texts = await replies("general", 2);
      assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q1", "q3"]);
      assert.equal(told().length, 1);
      await eventually("the status without it", async () => !/Channel /.test(await shown()));
    }));
});
