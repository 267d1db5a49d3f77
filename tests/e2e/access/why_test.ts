/** Tests the explanations of a bot's silence, beside a running bot. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../../simulator/world/world.ts";
import { type Ran, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const linkTo = ({ simulator }: Scene, { id, channelId }: Message): string => {
  const channel = simulator.channel(channelId);
  const guildId = "guildId" in channel ? channel.guildId : "@me";
  return `https://discord.com/channels/${guildId}/${channelId}/${id}`;
};

const said = ({ code, stdout, stderr }: Ran, expected = 0): string => {
  assert.equal(code, expected, stderr.join("\n"));
  return stdout.join("\n");
};

describe("[P1] beside a running bot", () => {
  const play = sharedBot({});

  describe("[P1] barnacle why", () => {
    it("explains an answered message: each check, the turn and the delivery", () =>
      play(async (scene) => {
        const { here, say, mention, replies, recorded, simulator, cli } = scene;
        const asked = say("grace", here, `${mention} a very private thing`);
        await replies(here, 1);
        const [reply] = simulator.posted(here);
        assert.ok(reply);
        await recorded(reply);
        const words = said(await cli("why", linkTo(scene, asked)));
        assert.match(words, /mention/i);
        assert.match(words, /config\.jsonc:\d+/);
        assert.ok(words.includes(reply.id), words);
        assert.doesNotMatch(words, /a very private thing/);

        const report = JSON.parse(said(await cli("why", asked.id, "--json")));
        assert.equal(report.messageId, asked.id);
        const [decision] = report.decisions;
        assert.deepEqual([decision.verdict, decision.why], ["accept", "mentioned"]);
        assert.ok(decision.checks.length > 0);
        assert.ok(decision.checks.every(({ passed }: { passed: boolean }) => passed));
        assert.equal(report.turn.state, "answered");
        assert.deepEqual(
          report.outbox.map(({ messageId }: Message & { messageId: string }) => messageId),
          [reply.id],
        );
      }));
  });
});

describe("[P1] barnacle why without a running bot", () => {
  it("cannot explain a message that never arrived, and lists possible causes", () =>
    withSimulation({}, async (scene) => {
      const { start, say, simulator, cli, decided } = scene;
      const bot = await start();
      await decided(say("grace", "general", "before"));
      bot.kill("SIGTERM");
      await bot.exited;
      const missed = say("grace", "general", "while it was away");
      const words = said(await cli("why", linkTo(scene, missed)), 1);
      assert.match(words, /never received/i);
      assert.match(words, /not run|off|stopped|no Barnacle/i);
      const { received, causes } = JSON.parse(said(await cli("why", missed.id, "--json"), 1));
      assert.equal(received, false);
      assert.ok(causes.length > 0);
      assert.equal(simulator.posted().length, 0);
    }));
});
