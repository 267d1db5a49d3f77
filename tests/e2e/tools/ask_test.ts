/** Tests questions of the model to people: the turn waits, and continues with the answer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";

const ASK = 'call: ask {"question":"Which colour?","options":["red","blue"]}';

/** The card of the newest question in a channel, once it arrives. */
function card({ simulator, until }: Scene, where = "general", as?: string): Promise<Message> {
  const { id } = simulator.channel(where, as);
  return until("a question", () => simulator.posted(id).findLast(hasButtons));
}

function hasButtons({ components }: Message): boolean {
  return components.length > 0;
}

function press(
  { simulator }: Scene,
  message: Message,
  label: string,
  as: string,
  where = "general",
): void {
  const button = message.components.flatMap((row) => row.components).find((one) =>
    one.label === label
  );
  assert.ok(button, `no button ${label} in ${JSON.stringify(message.components)}`);
  simulator.press({ as, in: where, message: message.id, customId: button.custom_id });
}

/** The texts of the bot's messages that answer. */
function answers({ written }: Scene): readonly string[] {
  return written("general").filter((text) => text.includes("The tools returned"));
}

describe("[T10] the tool `ask`", () => {
  it("shows buttons, and the turn goes on with the answer", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, until, simulator } = scene;
      await start();
      say("grace", "general", `${mention}\n${ASK}`);
      const asked = await card(scene);
      assert.match(asked.content, /Which colour\?/);
      assert.match(asked.content, new RegExp(`<@${scene.user("grace").id}>`));
      press(scene, asked, "blue", "ada"); // not hers
      await until(
        "a refusal",
        () =>
          simulator.ephemeral("ada").some(({ content }) =>
            content === NOTICES.questionNotAsked.text
          ),
      );
      assert.deepEqual(answers(scene), []);
      press(scene, asked, "red", "grace");
      const [answer = ""] = await until("the answer", () => {
        const all = answers(scene);
        return all.length > 0 && all;
      });
      assert.match(answer, /"answer":"red"/);
      await until("the card to be settled", () => {
        const now = simulator.posted(asked.channelId).find(({ id }) => id === asked.id);
        return now?.components.length === 0 && /red/.test(now.content);
      });
    }));

  it("answers other messages meanwhile", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, until } = scene;
      await start();
      say("grace", "general", `${mention}\n${ASK}`);
      const asked = await card(scene);
      say("grace", "general", `${mention} What time is it?`);
      await until("another answer", () =>
        scene.written("general").some((text) => text.includes("What time is it?")));
      press(scene, asked, "blue", "grace");
      await until("the answer", () =>
        answers(scene).some((text) => text.includes('"blue"')));
    }));

  for (const point of ["before:TS:2", "after:TS:2"]) {
    it(`[D1] survives a crash at ${point}: one card, one answer`, () =>
      withSimulation({}, async (scene) => {
        const { start, say, mention, until, simulator } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        say("grace", "general", `${mention}\n${ASK}`);
        assert.deepEqual(await ended(dying), KILLED);
        const second = await start();
        const asked = await card(scene);
        second.kill("SIGKILL");
        assert.deepEqual(await ended(second), KILLED);
        await start();
        press(scene, asked, "red", "grace");
        await until("the answer", () => answers(scene).length > 0);
        assert.equal(answers(scene).length, 1);
        const cards = simulator.posted(asked.channelId).filter(({ content }) =>
          content.includes("Which colour?") && !content.includes("The tools returned")
        );
        assert.equal(cards.length, 1);
      }));
  }
});

describe("[T11] a tool call that is refused for lack of a right", () => {
  const READ = 'call: read_channel_history {"limit":5}';
  const escalate = { config: { approvals: { escalate: true } } };

  function refuse({ simulator }: Scene): void {
    simulator.permit({ in: "general", to: "grace", what: "readMessageHistory", as: "denied" });
  }

  /** The owner's card, once it arrives. */
  const asked = (scene: Scene) => card(scene, "dm", "ada");

  it("runs once if an owner allows it, also after a restart", () =>
    withSimulation(escalate, async (scene) => {
      const { start, say, mention, until } = scene;
      const first = await start();
      say("ada", "general", "The tide is high at noon.");
      refuse(scene);
      say("grace", "general", `${mention}\n${READ}`);
      const message = await asked(scene);
      for (const part of [/Read Message History/, /read_channel_history/, /"limit":5/]) {
        assert.match(message.content, part);
      }
      first.kill("SIGKILL");
      assert.deepEqual(await ended(first), KILLED);
      await start();
      press(scene, message, NOTICES.allowOnce.text, "ada", "dm");
      await until(
        "the answer",
        () => answers(scene).some((text) => /The tide is high at noon/.test(text)),
      );
      say("grace", "general", `${mention}\n${READ}`); // the next call is another question
      await until(
        "another question",
        () => scene.simulator.posted(message.channelId).filter(hasButtons).length === 1,
      );
    }));

  it("[A4] is refused if the operator denies it at the command line", () =>
    withSimulation(escalate, async (scene) => {
      const { start, say, mention, until, cli } = scene;
      await start();
      refuse(scene);
      say("grace", "general", `${mention}\n${READ}`);
      const message = await asked(scene);
      const [code = ""] = /\b[A-Z2-9]{8}\b/.exec(message.content) ?? [];
      assert.match((await cli("approvals", "list")).stdout.join("\n"), new RegExp(code));
      const { code: exit, stderr } = await cli("approvals", "deny", code);
      assert.equal(exit, 0, stderr.join("\n"));
      await until(
        "the refusal",
        () => answers(scene).some((text) => /an owner was asked, and said no/.test(text)),
      );
      await until(
        "the card to be settled",
        () =>
          scene.simulator.posted(message.channelId).find(({ id }) => id === message.id)
            ?.components.length === 0,
      );
      assert.equal((await cli("approvals", "approve", code)).code, 1);
    }));

  describe("of the tool `discord`", () => {
    /** Grace asks for a new topic without Manage Channels; returns the owner's card. */
    async function topicAsked(scene: Scene): Promise<Message> {
      const { simulator, start, say, mention } = scene;
      simulator.permit({ to: "Barnacle", what: "manageChannels", as: "allowed" });
      await start();
      const channelId = String(simulator.channel("help").id);
      const args = { action: "channelEdit", channelId, topic: "All about help" };
      say("grace", "general", `${mention}\ncall: discord ${JSON.stringify(args)}`);
      return await asked(scene);
    }
    const topics = ({ simulator }: Scene) =>
      simulator.requests.records().filter(({ method }) => method === "PATCH")
        .flatMap(({ body }) => Object(body)["topic"] ?? []);

    it("happens once if an owner allows it", () =>
      withSimulation(escalate, async (scene) => {
        const message = await topicAsked(scene);
        for (const part of [/lack the permission Manage Channels/, /"topic":"All about help"/]) {
          assert.match(message.content, part);
        }
        assert.deepEqual(topics(scene), []);
        press(scene, message, NOTICES.allowOnce.text, "ada", "dm");
        await scene.until(
          "the answer",
          () => answers(scene).some((text) => /Changed\./.test(text)),
        );
        assert.deepEqual(topics(scene), ["All about help"]);
      }));

    it("does not happen if an owner says no", () =>
      withSimulation(escalate, async (scene) => {
        const message = await topicAsked(scene);
        press(scene, message, NOTICES.denyCall.text, "ada", "dm");
        await scene.until("the refusal", () =>
          answers(scene).some((text) => /an owner was asked, and said no/.test(text)));
        assert.deepEqual(topics(scene), []);
      }));
  });

  it("is refused at once without the key", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, until } = scene;
      await start();
      refuse(scene);
      say("grace", "general", `${mention}\n${READ}`);
      await until("the refusal", () =>
        answers(scene).some((text) => /Read Message History is missing/.test(text)));
    }));
});
