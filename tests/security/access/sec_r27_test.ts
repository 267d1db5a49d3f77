/** Tests floods of questions: only a few turns wait, and the sender learns of the limit once. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../../simulator/world/world.ts";
import {
  ended,
  killBot,
  KILLED,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { reconfigure, sharedBot } from "../../support/bot/shared_bot.ts";

/** The bot's own limits, in place of those of {@link MANY_QUESTIONS}. */
const WITH_LIMITS: SceneOptions = {
  simulator: { rateLimits: false },
  config: { messages: { queue: { mode: "followup" } } },
};
/** The mark is the only reaction. */
const WITHOUT_ACK: SceneOptions = {
  ...WITH_LIMITS,
  config: { messages: { queue: { mode: "followup" }, ackReaction: "" } },
};
const NOTICE = /^Too many messages are waiting/;

function isNotice(text: string): boolean {
  return NOTICE.test(text);
}

/** The bot's notices in a channel, each with the quoted message. */
function noticesIn({ simulator }: Scene, where: string): readonly (string | undefined)[] {
  return [...simulator.channel(where).messages.values()]
    .filter(({ author, content }) =>
      author.kind === "user" && author.userId === simulator.application.userId && isNotice(content)
    )
    .map(({ reference }) => reference?.messageId);
}

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
const answered = (texts: readonly string[]) =>
  texts.filter((text) => !isNotice(text)).map((text) => /q\d+\./.exec(text)?.[0]);

describe("[X4] [SEC-R27] a person who asks more than the bot can answer", () => {
  const play = sharedBot(WITH_LIMITS);

  it("gets four answers and one notice, and each other message has its reason", () =>
    play(async (scene) => {
      const { replies, model, until, written, decided, cli, say, mention, here } = scene;
      model.behave("slow", 1);
      const asked = flood(scene, "grace", names(1, 12));
      await until("the model", () => model.requests.length > 0);
      const texts = await replies(here, 5);
      assert.deepEqual(answered(texts), names(1, 4));
      assert.deepEqual(noticesIn(scene, here), [asked[4]?.id]);
      for (const message of asked.slice(4)) {
        assert.equal(await decided(message), "ignore: queue-full");
      }
      const why = await cli("why", asked[4]?.id ?? "");
      assert.match(why.stdout.join(""), /messages\.queue\.perUser/);
      assert.match(why.stdout.join(""), /NO\s+queue/);

      say("grace", here, `${mention} q13.`); // the flood is over: there is room again
      await until("the last answer", () => answered(written(here)).includes("q13."));
      assert.deepEqual(answered(written(here)), [...names(1, 4), "q13."]);
      assert.equal(noticesIn(scene, here).length, 1);
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

  it("tells a second person by a mark", () =>
    withSimulation(WITH_LIMITS, async (scene) => {
      const { simulator, start, model, until, cli } = scene;
      simulator.invite({ who: "mallory" });
      await start();
      model.behave("hang");
      const marked = () =>
        simulator.requests.records().filter(({ method, path, status }) =>
          method === "PUT" && status === 204 && decodeURIComponent(path).includes("⏳")
        );
      const [, , , , first] = flood(scene, "grace", names(1, 6));
      await until("the notice", () => noticesIn(scene, "general").length > 0);
      const asked = flood(scene, "mallory", names(7, 12));
      const [refused] = asked.slice(4);
      assert.ok(first && refused);
      await until("the mark", () => marked().length > 0);
      assert.ok(marked()[0]?.path.includes(refused.id));
      assert.deepEqual(noticesIn(scene, "general"), [first.id]);
      assert.match(
        (await cli("why", refused.id)).stdout.join(" "),
        /gets\s+a\s+sign\s+once\s+a\s+minute/,
      );
    }));

  it("tells a second person by a link if the bot may not add reactions", () =>
    withSimulation({ ...WITH_LIMITS, mayRefuse: () => true }, async (scene) => {
      const { simulator, start, model, until, written } = scene;
      simulator.invite({ who: "mallory" });
      simulator.faults.rest.add({
        method: "PUT",
        route: "/channels/:id/messages/:id/reactions/:emoji/@me",
        fault: { kind: "status", status: 403, code: 50013 },
      });
      await start();
      model.behave("hang");
      const [, , , , first] = flood(scene, "grace", names(1, 6));
      await until("the notice", () => noticesIn(scene, "general").length > 0);
      const [, , , , second] = flood(scene, "mallory", names(7, 12));
      const links = () => written("general").filter((text) => /won't answer these/.test(text));
      await until("the second notice", () => links().length > 0);
      assert.deepEqual(noticesIn(scene, "general"), [first?.id]);
      assert.deepEqual(links().map((text) => /\d+$/.exec(text)?.[0]), [second?.id]);
      const marks = simulator.requests.records().filter(({ method, path }) =>
        method === "PUT" && decodeURIComponent(path).includes("⏳")
      );
      assert.deepEqual(marks.map(({ status }) => status), [403]);
    }));

  it("tells a second person although a kill comes before the mark", () =>
    withSimulation(WITHOUT_ACK, async (scene) => {
      const { simulator, start, model, until, rows } = scene;
      simulator.invite({ who: "mallory" });
      const hanging = simulator.faults.rest.add({
        method: "PUT",
        route: "/channels/:id/messages/:id/reactions/:emoji/@me",
        fault: { kind: "hang" },
      });
      const bot = await start();
      model.behave("hang");
      flood(scene, "grace", names(1, 6));
      await until("the notice", () => noticesIn(scene, "general").length > 0);
      const [, , , , refused] = flood(scene, "mallory", names(7, 12));
      await until("the mark", () => hanging.hits() > 0);
      await killBot(bot);
      hanging.remove();
      await start();
      const marked = () =>
        simulator.requests.records().filter(({ method, path, status }) =>
          method === "PUT" && status === 204 && decodeURIComponent(path).includes("⏳")
        );
      await until("the mark", () => marked().length > 0);
      assert.ok(marked()[0]?.path.includes(refused?.id ?? ""));
      await until("the end", () => rows("SELECT message_id FROM unanswered").length === 0);
    }));

  it("gets one notice, although a kill comes before the notice leaves", () =>
    withSimulation(WITH_LIMITS, async (scene) => {
      const { start, model, replies, decided, until, written } = scene;
      const bot = await start({ BARNACLE_CRASH_AT: "before:T4:1" }); // of the notice: no answer comes
      model.behave("hang");
      const asked = flood(scene, "grace", names(1, 5)); // catch-up would answer a sixth
      assert.deepEqual(await ended(bot), KILLED);
      assert.deepEqual(written("general"), []);

      model.behave("script");
      await start();
      const texts = await replies("general", 5);
      assert.deepEqual(answered(texts), names(1, 4));
      const [refused] = asked.slice(4);
      assert.ok(refused);
      assert.equal(await decided(refused), "ignore: queue-full");
      await until("the notice", () => noticesIn(scene, "general").length > 0);
      assert.deepEqual(noticesIn(scene, "general"), [refused.id]);
      assert.equal(written("general").length, 5);
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
