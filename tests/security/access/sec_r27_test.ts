/** Tests floods of questions: only a few turns wait, and the sender learns of the limit by one reaction. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../../simulator/world/world.ts";
import { type Scene, type SceneOptions } from "../../support/bot/e2e.ts";
import { reconfigure, sharedBot } from "../../support/bot/shared_bot.ts";

/** The bot's own limits, in place of those of {@link MANY_QUESTIONS}. */
const WITH_LIMITS: SceneOptions = {
  simulator: { rateLimits: false },
  config: { messages: { queue: { mode: "followup" } } },
};
/** Asks, while the model answers nothing. */
function flood(
  { say, mention, here }: Scene,
  as: string,
  names: readonly string[],
): readonly Message[] {
  return names.map((name) => say(as, here, `${mention} ${name}`));
}

const names = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `q${from + index}.`);

/** The questions that the answers in a channel repeat. */
const answered = (texts: readonly string[]) => texts.map((text) => /q\d+\./.exec(text)?.[0]);

describe("[X4] [SEC-R27] a person who asks more than the bot can answer", () => {
  const play = sharedBot(WITH_LIMITS);

  it("gets four answers and one reaction, and each other message has its reason", () =>
    play(async (scene) => {
      const { replies, model, until, written, decided, cli, say, mention, here } = scene;
      model.behave("slow", 1);
      const asked = flood(scene, "grace", names(1, 12));
      await until("the model", () => model.requests.length > 0);
      assert.deepEqual(answered(await replies(here, 4)), names(1, 4));
      await until("the reaction", () => asked[4]?.reactions.has("⏳"));
      for (const message of asked.slice(4)) {
        assert.equal(await decided(message), "ignore: queue-full");
      }
      const why = await cli("why", asked[4]?.id ?? "");
      assert.match(why.stdout.join(""), /messages\.queue\.perUser/);
      assert.match(why.stdout.join(""), /NO\s+queue/);

      say("grace", here, `${mention} q13.`); // the flood is over: there is room again
      await until("the last answer", () => answered(written(here)).includes("q13."));
      assert.deepEqual(answered(written(here)), [...names(1, 4), "q13."]);
      assert.deepEqual(asked.filter(({ reactions }) => reactions.has("⏳")), asked.slice(4, 5));
    }));

  it("leaves room for others in the channel", () =>
    play(async (scene) => {
      const { model, until, written, decided, here } = scene;
      model.behave("slow", 1);
      flood(scene, "grace", names(1, 6));
      const [other] = flood(scene, "ada", ["q7."]);
      assert.ok(other);
      assert.equal(await decided(other), "accept: mentioned");
      await until("all answers", () => answered(written(here)).length === 5);
      assert.deepEqual(answered(written(here)), ["q1.", "q7.", ...names(2, 4)]);
    }));

  describe("[X4] messages.queue", () => {
    it("applies at once after a reload", () =>
      play(async (scene, bot) => {
        const { model, until, decided } = scene;
        await reconfigure(scene, bot, { config: { messages: { queue: { perUser: 1 } } } });
        model.behave("slow", 1);
        const asked = flood(scene, "grace", names(1, 3));
        await until("the model", () => model.requests.length > 0);
        const verdicts = [];
        for (const message of asked) verdicts.push(await decided(message));
        assert.deepEqual(verdicts, [
          "accept: mentioned",
          "accept: mentioned",
          "ignore: queue-full",
        ]);
      }));
  });
});
