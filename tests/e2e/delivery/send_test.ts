/** Tests `barnacle send`, which uses the outbox with and without a running bot. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ended, type Ran, type Scene, withSimulation } from "../../support/bot/e2e.ts";

/** Runs the command with the simulation's config and data. */
function send(scene: Scene, ...args: readonly string[]): Promise<Ran> {
  const { simulator, command, configFile, dataDir } = scene;
  return command(["send", ...args, "--config", configFile, "--data", dataDir], {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
  });
}

function target({ simulator }: Scene, channel: string): string {
  return `channel:${simulator.channel(channel).id}`;
}

const said = ({ stdout, stderr }: Ran) => [...stdout, ...stderr].join("\n");

describe("[S4] [D2] barnacle send", () => {
  for (const isRunning of [false, true]) {
    it(`sends a text and a file ${isRunning ? "through the bot that runs" : "by itself"}`, () =>
      withSimulation({}, async (scene) => {
        if (isRunning) await scene.line(await scene.start(), /"The bot is ready"/);
        const file = join(scene.dataDir, "tide.txt");
        writeFileSync(file, "high at noon");
        // The store knows names once a bot is ready.
        const to = isRunning ? ["#general"] : [target(scene, "general")];
        const ran = await send(scene, ...to, "The", "tide", "is in.", "--file", file);
        assert.equal(ran.code, 0, said(ran));
        const [message, ...more] = scene.simulator.posted("general");
        assert.deepEqual(more, []);
        assert.ok(message);
        assert.equal(message.content, "The tide is in.");
        assert.deepEqual(message.pings, { users: [], roles: [], everyone: false });
        const [attachment] = message.attachments;
        assert.equal(attachment?.filename, "tide.txt");
        assert.equal(new TextDecoder().decode(attachment?.bytes), "high at noon");
        assert.match(
          ran.stdout.join("\n"),
          new RegExp(`/${message.channelId}/${message.id}$`, "m"),
        );
        const { creates } = scene.simulator.account();
        assert.deepEqual([...creates.values()].map(({ messages }) => messages.size), [1]);
      }));
  }

  it("sends a direct message", () =>
    withSimulation({}, async (scene) => {
      const ran = await send(scene, `user:${scene.user("ada").id}`, "Ada, the tide is in.");
      assert.equal(ran.code, 0, said(ran));
      assert.deepEqual(scene.written("dm", "ada"), ["Ada, the tide is in."]);
    }));

  it("sends the same text twice if it is requested twice", () =>
    withSimulation({}, async (scene) => {
      for (let time = 0; time < 2; time += 1) {
        const ran = await send(scene, target(scene, "general"), "Again.");
        assert.equal(ran.code, 0, said(ran));
      }
      assert.deepEqual(scene.written("general"), ["Again.", "Again."]);
    }));

  it("sends all of several simultaneous requests without a running bot", () =>
    withSimulation({}, async (scene) => {
      const first = await send(scene, target(scene, "general"), "0"); // creates the data
      assert.equal(first.code, 0, said(first));
      const fault = { kind: "slow_body", bytesPerSec: 200 } as const; // lets the others start
      scene.simulator.faults.rest.add({ method: "POST", times: 1, fault });
      const runs = await Promise.all(
        ["general", "help", "help", "general"].map((channel, index) =>
          send(scene, target(scene, channel), `${index + 1}`, "--wait", "60")
        ),
      );
      assert.deepEqual(runs.map(({ code }) => code), [0, 0, 0, 0], runs.map(said).join("\n"));
      assert.deepEqual(scene.written("general").toSorted(), ["0", "1", "4"]);
      assert.deepEqual(scene.written("help").toSorted(), ["2", "3"]);
    }));

  it("waits no longer than requested, although Discord asks for more", () =>
    withSimulation({
      discord: () => ({ rest: { timeoutSec: 1 } }),
      mayRefuse: ({ status }) => status === 429,
    }, async (scene) => {
      const fault = { kind: "cloudflare", retryAfterSec: 600 } as const;
      scene.simulator.faults.rest.add({ times: 1, fault });
      const ran = await send(scene, target(scene, "general"), "The tide is in.", "--wait", "1");
      assert.equal(ran.code, 75, said(ran));
      assert.match(said(ran), /still in the outbox.*; the next `barnacle run` sends it/);
    }));

  it("names the missing permission", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 403 }, async (scene) => {
      const bot = await scene.start(); // stores the bot's identity
      await scene.line(bot, /Discord began a new session/);
      bot.kill("SIGTERM");
      await ended(bot);
      scene.simulator.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "general" });
      const ran = await send(scene, target(scene, "general"), "The tide is in.", "--wait", "2");
      assert.notEqual(ran.code, 0);
      assert.match(said(ran), /Send Messages is denied for the role Barnacle/);
      assert.deepEqual(scene.simulator.posted(), []);
    }));

  const refused: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [["123456789012345678", "x"], /"user:123456789012345678".*"channel:123456789012345678"/],
    [
      ["general", "x"],
      /unknown channel "general": the bot has never been connected; use for a direct message/,
    ],
    [
      ["#general", "x"],
      /unknown channel "#general"/,
    ],
    [["<@&123456789012345678>", "x"], /is a role/],
    [["", "x"], /no target/],
    [["channel:99999999999999999999", "x"], /not a Discord id/],
    [["channel:123456789012345678"], /nothing to send/],
    [["channel:123456789012345678", "  "], /nothing to send/],
    [
      ["channel:123456789012345678", "x", "--file", "/nowhere/at/all"],
      /cannot read.*: there is no such file/,
    ],
    [["channel:123456789012345678", "x", "--file", "/"], /cannot send \/: it is a directory/],
    [["channel:123456789012345678", "x", "--file", "/dev/zero"], /zero: it is not a regular file/],
  ];
  it("refuses a malformed target without asking Discord, and shows the right form", () =>
    withSimulation({}, async (scene) => {
      for (const [args, words] of refused) {
        const ran = await send(scene, ...args);
        assert.equal(ran.code, 2, said(ran));
        assert.match(said(ran), words);
      }
      assert.deepEqual(scene.simulator.requests.records(), []);
    }));
});
