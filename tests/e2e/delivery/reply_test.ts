/** Tests the form of an answer on Discord. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Ran, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

describe("[R1] [R2] [R4] [R10] an answer on Discord", () => {
  const play = sharedBot({});

  for (const kind of ["reset_after", "cut_body", "garbage"] as const) {
    it(`[D2] is sent once although the response to its request is lost (${kind})`, () =>
      play(async ({ here, say, mention, replies, until, simulator }) => {
        const route = "/channels/:id/messages";
        simulator.faults.rest.add({ method: "POST", route, times: 1, fault: { kind } });
        say("grace", here, `${mention} q1`);
        await replies(here, 1);
        say("grace", here, `${mention} q2`);
        await until("q2", () => simulator.posted().some(({ content }) => content.includes("q2")));
        assert.equal(simulator.posted().length, 2);
      }));
  }
});

/** Runs the command with the simulation's config and data. */
function send(scene: Scene, ...args: readonly string[]): Promise<Ran> {
  const { simulator, command, configFile, dataDir } = scene;
  return command(["send", ...args, "--config", configFile, "--data", dataDir], {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
  });
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
});
