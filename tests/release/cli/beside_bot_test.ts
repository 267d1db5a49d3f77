/** Tests commands beside a bot that hangs, is killed or starts, and several commands at once. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { socketFolder } from "../../../src/host/bot_socket.ts";
import { crashPoints } from "../../support/long_form.ts";
import { ended, KILLED, type Ran, type Scene, withSimulation } from "../../support/bot/e2e.ts";

const said = ({ stdout, stderr }: Ran) => [...stdout, ...stderr].join("\n");

function send({ simulator, cli }: Scene, text: string, ...more: readonly string[]): Promise<Ran> {
  return cli("send", `channel:${simulator.channel("general").id}`, text, ...more);
}

describe("[X2] a command beside a bot that hangs", () => {
  it("reads the stored data, and changes nothing", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, replies, cli, rows } = scene;
      const bot = await start();
      say("grace", "general", `${mention} Hello?`);
      await replies("general", 1);
      await scene.line(bot, /"Barnacle is running"/); // a first reply may come before the socket
      process.kill(bot.pid!, "SIGSTOP");
      try {
        const listed = await cli("sessions", "list", "--json");
        assert.equal(listed.code, 0, said(listed));
        const paused = await cli("pause");
        assert.equal(paused.code, 75, said(paused));
        assert.match(said(paused), /the bot \(pid \d+\) has the data in .*: nothing is changed/);
        const sent = await send(scene, "Into the void", "--wait", "1");
        assert.equal(sent.code, 75, said(sent));
      } finally {
        process.kill(bot.pid!, "SIGCONT");
      }
      await scene.line(bot, /"The bot is ready"/); // a bot that has just hung is not healthy at once
      while ((await cli("status")).code !== 0); // the file's time limit ends a bot that never is
      assert.deepEqual(rows("SELECT * FROM setting WHERE name = 'paused'"), []);
      assert.equal(scene.written("general").length, 1, "the bot has got no request");
    }));
});

describe("[D2] barnacle send beside a bot that is killed", () => {
  for (const point of crashPoints(["carriedOut:2"], ["asked:2"])) {
    it(`posts once if that happens at ${point}, and the next bot takes the message`, () =>
      withSimulation({}, async (scene) => {
        const dying = await scene.start({ BARNACLE_CRASH_AT: point });
        const sending = send(scene, "The tide is in.", "--wait", "30");
        assert.deepEqual(await ended(dying), KILLED);
        await scene.start(); // over the socket's file of the killed one
        const sent = await sending;
        assert.equal(sent.code, 0, said(sent));
        assert.deepEqual(scene.written("general"), ["The tide is in."]);
      }));
  }

  it("says that the outcome is unknown if no bot follows, and so does any other command", () =>
    withSimulation({}, async (scene) => {
      const dying = await scene.start({ BARNACLE_CRASH_AT: "carriedOut" });
      const paused = await scene.cli("pause");
      assert.deepEqual(await ended(dying), KILLED);
      assert.equal(paused.code, 75, said(paused));
      assert.match(said(paused), /may be stored or not/);
      assert.ok(existsSync(join(socketFolder(scene.dataDir), "bot")), "it was killed");
      const again = await scene.cli("pause");
      assert.equal(again.code, 0, said(again));
      assert.match(said(again), /paused already/);
    }));
});

describe("[X2] several commands at once", () => {
  it("each change the store beside a bot, and without one, and keep no bot from its start", () =>
    withSimulation({}, async (scene) => {
      const bot = await scene.start();
      const texts = ["1", "2"];
      const beside = await Promise.all([
        ...texts.map((text) => send(scene, text)),
        scene.cli("pause"),
      ]);
      assert.deepEqual(beside.map(({ code }) => code), [0, 0, 0], beside.map(said).join("\n"));
      assert.deepEqual(scene.written("general").toSorted(), texts);
      bot.kill("SIGTERM");
      await ended(bot);
      const alone = await Promise.all(
        [["resume"], ["outbox", "list"], ["pairing", "list"]].map((args) => scene.cli(...args)),
      );
      assert.deepEqual(alone.map(({ code }) => code), [0, 0, 0], alone.map(said).join("\n"));
      const lists = ["a", "b", "c"].map(() => scene.cli("outbox", "list"));
      await scene.start();
      const ran = await Promise.all(lists);
      assert.deepEqual(ran.map(({ code }) => code), [0, 0, 0], ran.map(said).join("\n"));
    }));
});

describe("[X2] the socket's folder", () => {
  it("is not used while other users can enter it, and the bot answers all the same", () =>
    withSimulation({}, async (scene) => {
      const folder = socketFolder(scene.dataDir);
      mkdirSync(folder);
      chmodSync(folder, 0o755);
      const bot = await scene.start();
      await scene.line(bot, /Commands cannot reach this bot/);
      const paused = await scene.cli("pause");
      assert.equal(paused.code, 74, said(paused));
      assert.match(said(paused), /Other users can use .*remove it, and start the bot again/);
      scene.say("grace", "general", `${scene.mention} Hello?`);
      await scene.replies("general", 1);
    }));
});
