/** Kills the bot while it speaks in a call. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginCall, TALK, withCall } from "../../support/voice/call_scene.ts";

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
