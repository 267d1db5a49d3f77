/** Tests `barnacle send`, which uses the outbox of the running bot. */

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
  const ready = async (scene: Scene) => {
    await scene.line(await scene.start(), /"The bot is ready"/);
  };

  it("sends a text and a file through the running bot", () =>
    withSimulation({}, async (scene) => {
      await ready(scene);
      const file = join(scene.dataDir, "tide.txt");
      writeFileSync(file, "high at noon");
      const ran = await send(scene, "#general", "The", "tide", "is in.", "--file", file);
      assert.equal(ran.code, 0, said(ran));
      const [message, ...more] = scene.simulator.posted("general");
      assert.deepEqual(more, []);
      assert.ok(message);
      assert.equal(message.content, "The tide is in.");
      assert.deepEqual(message.pings, { users: [], roles: [], everyone: false });
      const [attachment] = message.attachments;
      assert.equal(attachment?.filename, "tide.txt");
      assert.equal(new TextDecoder().decode(attachment?.bytes), "high at noon");
      assert.match(ran.stdout.join("\n"), new RegExp(`/${message.channelId}/${message.id}$`, "m"));
      const { creates } = scene.simulator.account();
      assert.deepEqual([...creates.values()].map(({ messages }) => messages.size), [1]);
    }));

  it("needs a running bot, and says how to start it", () =>
    withSimulation({}, async (scene) => {
      const never = await send(scene, target(scene, "general"), "The tide is in.");
      assert.notEqual(never.code, 0);
      const bot = await scene.start();
      await scene.line(bot, /"The bot is ready"/);
      bot.kill("SIGTERM");
      await ended(bot);
      const ran = await send(scene, target(scene, "general"), "The tide is in.");
      assert.equal(ran.code, 75, said(ran));
      assert.match(said(ran), /no bot runs with the data in .*; start it by `barnacle run`/);
      assert.deepEqual(scene.simulator.posted(), []);
    }));
});
