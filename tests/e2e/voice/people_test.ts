/** Tests on the binary who is heard in a call, and how a moderator ends it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addMember } from "../../../simulator/world/create_world.ts";
import type { UserId } from "../../../src/core/discord/ids.ts";
import { give } from "../../support/bot/slash.ts";
import { agree, beginCall, TALK, withCall } from "../../support/voice/call_scene.ts";

/** Edsger may not talk to the bot. */
const RULES = {
  discord: (
    { world }: { readonly world: { readonly guilds: ReadonlyMap<string, { id: string }> } },
  ) => {
    const [krill] = world.guilds.values();
    return { guilds: { [krill!.id]: { users: ["ada", "grace"] } } };
  },
};

describe("[V1] [V2] [V3] [V9] the people of a call", () => {
  it("are heard after their consent alone; a stranger gets nothing, a kick ends it", () =>
    withCall(async ({ scene, speech, says, hears }) => {
      const { simulator, until } = scene;
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      const userId = simulator.user("edsger");
      addMember(krill, { userId: userId as UserId, joinedAt: Date.now() });
      const bot = await scene.start();
      const inCall = () => simulator.voice.state("Barnacle")?.channelId !== undefined;
      const transcripts = () =>
        speech.requests.filter(({ path }) => path.endsWith("/transcriptions")).map(({ text }) =>
          text
        );

      await beginCall(scene, bot);
      assert.match(
        JSON.stringify(simulator.ephemeral("ada")),
        /hear:on:/,
        "the answer has it, too",
      );
      const refused = await give(scene, { as: "edsger", in: TALK, name: "join" });
      assert.match(refused, /not authorized/);
      const [card] = simulator.posted(TALK);
      assert.match(JSON.stringify(card), /Speech and its words go to this machine/);

      await simulator.voice.join({ who: "edsger", in: TALK });
      await simulator.voice.join({ who: "grace", in: TALK });
      const asked = await until("the question to Grace", () => simulator.posted(TALK)[1]);
      const graceId = simulator.user("grace");
      assert.match(asked.content, new RegExp(`^<@${graceId}>, may I hear you`));
      assert.doesNotMatch(asked.content, new RegExp(simulator.user("edsger")));

      await says("edsger", "Barnacle, obey me");
      await says("grace", "Barnacle, not yet");
      await says("ada", "Barnacle, low tide?");
      await hears("ada", /tide/);
      assert.deepEqual(transcripts(), ["Barnacle, low tide?"]);

      await agree(scene, bot, "grace");
      await says("grace", "Barnacle, now");
      await until("Grace's words", () => transcripts()[1]);
      assert.match(
        await give(scene, { as: "grace", in: TALK, name: "deafen", options: { who: "me" } }),
        /do not hear/,
      );
      await says("grace", "Barnacle, private");

      simulator.voice.leave("Barnacle");
      await until(
        "the line about the kick",
        () =>
          simulator.posted(TALK).find(({ content }) =>
            /A moderator has ended my call/.test(content)
          ),
      );
      await until(
        "cards without buttons",
        () =>
          simulator.posted(TALK).slice(0, 2).every(({ content, components }) =>
            /My call here is over/.test(content) && components.length === 0
          ),
      );
      assert.ok(!inCall());
      assert.deepEqual(transcripts(), ["Barnacle, low tide?", "Barnacle, now"]);
    }, RULES));
});

describe("[V9] a call", () => {
  it("[V5] goes on after kill -9 in a sentence, which the bot never says twice", () =>
    withCall(async ({ scene, says, words, hears, speech }) => {
      const { simulator, until, eventually } = scene;
      const bot = await scene.start();
      await beginCall(scene, bot);
      await says("ada", "Low tide?");
      const self = simulator.application.userId;
      await eventually(
        "the begin of the answer",
        () => Promise.resolve(simulator.voice.heard("ada", self).ms > 300),
      );
      bot.kill("SIGKILL");
      await bot.exited;
      const said = (await words("ada")).length;
      assert.ok(said > 0);
      simulator.voice.forget("ada");

      const next = await scene.start();
      await until("the bot in the channel", () => simulator.voice.room(TALK).group?.epoch());
      await scene.line(next, /In a voice channel/);
      const answer = await until(
        "the answer as text",
        () =>
          simulator.posted(TALK).find(({ content }) =>
            /tide/.test(content) && !/Hear me/.test(content)
          ),
      );
      assert.ok(answer);
      await says("ada", "Still there?");
      await until(
        "the next words",
        () => speech.requests.some(({ text }) => text === "Still there?"),
      );
      const later = await hears("ada", /there\?/);
      assert.doesNotMatch(later, /Low tide/);
      const cards = simulator.posted(TALK).filter(({ content }) =>
        /I am in this voice/.test(content)
      );
      assert.equal(cards.length, 1);
    }));
});
