/** Tests what happens around a draft while it waits, and every other way to speak in such a place. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import {
  card,
  checked,
  DISCARD,
  EDIT,
  OWNER,
  POST,
  press,
  REVIEWS,
  settled,
} from "../../support/bot/checked_answers.ts";
import type { Scene, SceneOptions } from "../../support/bot/e2e.ts";
import { reconfigure, sharedBot } from "../../support/bot/shared_bot.ts";

/** A guild in which ada checks answers, which follow edits of their questions. */
function followed(): SceneOptions {
  return checked("always", {}, {
    mayRefuse: ({ path }) => path.includes("/reactions/"),
    discord(simulator) {
      const [guildId = ""] = simulator.world.guilds.keys();
      return { guilds: { [guildId]: { approval: "always", edits: "follow" } } };
    },
  });
}

/** Asks, posts the draft, and edits the question; returns the question and the new card. */
async function editedAfterPost(scene: Scene) {
  const { say, mention, simulator, until, here } = scene;
  const question = say("grace", here, `${mention} tides on monday`);
  const first = await card(scene);
  press(scene, first, POST);
  await scene.replies(here, 1);
  await settled(scene, first);
  simulator.edit({
    as: "grace",
    in: here,
    message: question.id,
    text: `${mention} tides on friday`,
  });
  const second = await card(scene);
  await until("the new draft", () => textOf(second).includes("friday"));
  return { question, second };
}

/** Asks once more, and returns what the model reads then. */
async function readsNext(scene: Scene): Promise<string> {
  const { say, mention, model, until, here, simulator } = scene;
  const { length } = model.requests;
  say("grace", here, `${mention} and now?`);
  await until("the next request", () => model.requests.length > length);
  const read = model.requests.at(-1)?.messages.map(({ text }) => text).join("\n") ?? "";
  const { id } = simulator.channel(REVIEWS);
  const draft = await until(
    "its draft",
    () => simulator.posted(id).find((one) => textOf(one).includes("and now?")),
  );
  press(scene, draft, DISCARD); // no later test finds it
  await settled(scene, draft);
  return read;
}

describe("around a draft", () => {
  /** Channels that a test deletes; the bot may try again there later. */
  const deleted = new Set<string>();
  const play = sharedBot(checked("always", {}, {
    mayRefuse: ({ path, status }) =>
      status === 404 && deleted.has(/^\/channels\/(\d+)/.exec(path)?.[1] ?? ""),
  }));

  describe("[A5] [H6a] the new answer to an edited question", () => {
    const FOLLOWED = followed();
    const follow = (test: Parameters<typeof play>[0]) => play(test, FOLLOWED);

    it("waits for a person, and then takes the place of the earlier one", () =>
      follow(async (scene) => {
        const { second } = await editedAfterPost(scene);
        assert.match(scene.written(scene.here).join("\n"), /monday/, "it stays until then");
        press(scene, second, POST);
        await settled(scene, second);
        await scene.until("the edit", () => /friday/.test(scene.written(scene.here).join("\n")));
        const [answer = "", ...others] = scene.written(scene.here);
        assert.deepEqual(others, []);
        assert.match(answer, /^-# Answers the question as edited at <t:\d+:T>\./);
        assert.doesNotMatch(await readsNext(scene), /monday/);
      }));

    it("as a person has edited it says that it answers the edited question, too", () =>
      follow(async (scene) => {
        const { simulator, until, written, here } = scene;
        const { second } = await editedAfterPost(scene);
        const opened = press(scene, second, EDIT);
        await until("a form", () => opened.answer && opened.answer.kind === "modal");
        simulator.submit(opened, { [NOTICES.draftText.text]: "High water at nine." });
        await until("the edit", () => /nine/.test(written(here).join("\n")));
        assert.match(
          written(here).join("\n"),
          /^-# Answers the question as edited at <t:\d+:T>\.\nHigh water at nine\.$/,
        );
        assert.match(await readsNext(scene), /High water at nine/);
      }));

    it("leaves the earlier one, also in the conversation, if it is not posted", () =>
      follow(async (scene) => {
        const { second } = await editedAfterPost(scene);
        press(scene, second, DISCARD);
        await settled(scene, second);
        const read = await readsNext(scene);
        assert.match(scene.written(scene.here).join("\n"), /monday/);
        assert.equal(scene.written(scene.here).length, 1);
        assert.match(read, /You wrote:[^]*monday/, "that is what people read");
        assert.doesNotMatch(read, /was not posted/);
      }));

    it("is withdrawn by a further edit, and with the earlier one by a deletion", () =>
      follow(async (scene) => {
        const { simulator, mention, until, written, here } = scene;
        const { question: { id: message }, second } = await editedAfterPost(scene);
        simulator.edit({ as: "grace", in: here, message, text: `${mention} tides on sunday` });
        await settled(scene, second);
        const { id: channel } = simulator.channel(REVIEWS);
        const third = await until(
          "a third card",
          () => simulator.posted(channel).find((one) => textOf(one).includes("sunday")),
        );
        simulator.delete({ as: "grace", in: here, message });
        await settled(scene, third);
        await until("no answer", () => written(here).length === 0);
      }));
  });

  describe("[A5] while a draft waits", () => {
    it("the config may switch the checks off: the draft still waits, and is posted by a press", () =>
      play(async (scene, bot) => {
        const { say, mention, simulator, here } = scene;
        say("grace", here, `${mention} the one that waits`);
        const message = await card(scene);
        const { id: channel } = simulator.channel(REVIEWS);
        await reconfigure(scene, bot, {
          config: { commands: { ownerAllowFrom: [OWNER] }, approvals: { answers: { channel } } },
        });
        say("grace", here, `${mention} the unchecked one`);
        assert.match((await scene.replies(here, 1)).join(), /the unchecked one/);
        press(scene, message, POST);
        assert.match((await scene.replies(here, 2)).join(), /the one that waits/);
      }, checked("always")));

    it("a person who may not check answers any more decides nothing", () => {
      const edsger = "1456074443980800003";
      return play(async (scene, bot) => {
        const { say, mention, simulator, until, user, here } = scene;
        assert.equal(user("edsger").id, edsger);
        simulator.invite({ who: "edsger" });
        say("grace", here, `${mention} hello`);
        const message = await card(scene);
        await reconfigure(scene, bot, checked("always", { people: [] }));
        press(scene, message, POST, { as: "edsger" });
        await until("a refusal", () => simulator.ephemeral("edsger").length > 0);
        assert.deepEqual(scene.written(here), []);
        press(scene, message, POST);
        await scene.replies(here, 1);
      }, checked("always", { people: [edsger] }));
    });

    it("its channel may be deleted: the card is settled, and the bot goes on", () =>
      play(async (scene) => {
        const { say, mention, simulator, replies, here } = scene;
        say("grace", here, `${mention} hello`);
        const message = await card(scene);
        const { id } = simulator.channel(here);
        deleted.add(id);
        simulator.deleteChannel(`#${here}`);
        press(scene, message, POST);
        await settled(scene, message);
        say("grace", "general", `${mention} still there?`);
        press(scene, await card(scene), POST);
        await replies("general", 1);
      }));
  });

  describe("[A5] a draft that waits", () => {
    const cases: readonly [what: string, text: string, posted: RegExp | undefined][] = [
      ["only invisible characters", "\u200b\u2060", undefined],
      ["4,000 characters", "x".repeat(4_000), /^x{1000}/],
      ["mentions of everyone", "@everyone @here <@&1> hello", /hello/],
    ];
    it("whose form gets blanks waits on", () =>
      play(async (scene) => {
        const { say, mention, simulator, until, here } = scene;
        say("grace", here, `${mention} hello`);
        const message = await card(scene);
        const opened = press(scene, message, EDIT);
        await until("a form", () => opened.answer && opened.answer.kind === "modal");
        simulator.submit(opened, { [NOTICES.draftText.text]: " \n " });
        await until(
          "a refusal",
          () =>
            simulator.ephemeral("ada").some(({ content }) => content === NOTICES.formMisfit.text),
        );
        press(scene, message, POST);
        await scene.replies(here, 1);
      }));

    it("its asker may leave: the draft is posted all the same, and pings no one", () =>
      play(async (scene) => {
        const { say, mention, simulator, here } = scene;
        simulator.invite({ who: "mallory" });
        say("mallory", here, `${mention} hello`);
        const message = await card(scene);
        simulator.kick({ who: "mallory" });
        press(scene, message, POST);
        await scene.replies(here, 1);
      }));
    for (const [what, text, posted] of cases) {
      it(`whose form gets ${what} is settled`, () =>
        play(async (scene) => {
          const { say, mention, simulator, until, written, here } = scene;
          say("grace", here, `${mention} hello`);
          const message = await card(scene);
          const opened = press(scene, message, EDIT);
          await until("a form", () => opened.answer && opened.answer.kind === "modal");
          simulator.submit(opened, { [NOTICES.draftText.text]: text });
          await settled(scene, message);
          if (posted) {
            const [answer = ""] = await scene.replies(here, 1);
            assert.match(answer, posted);
            const { id } = simulator.channel(here);
            const bot = simulator.posted(id).at(-1) as Message;
            assert.deepEqual(JSON.stringify(bot).match(/"mentionsEveryone":true/), null);
          } else {
            const entries = () =>
              scene.rows(
                `SELECT text FROM entry WHERE text LIKE '%was not posted%'
                  AND session_key LIKE '%${simulator.channel(here).id}%'`,
              );
            await until("the end", () => entries().length === 1);
            assert.deepEqual(written(here), []);
          }
        }));
    }
  });

  describe("[A5] tools are no way around", () => {
    const THREAD = "How do I feed krill?";
    const inHelp = (config: object = {}, approvals: object = {}): SceneOptions =>
      checked("never", {}, {
        config: { ...config, approvals: { ...approvals, answers: {} } },
        discord(simulator) {
          simulator.setThread({ in: THREAD, isArchived: true });
          const [guildId = ""] = simulator.world.guilds.keys();
          const channels = { "*": {}, help: { approval: "always" } };
          return { guilds: { [guildId]: { channels } } };
        },
      });

    it("a message to an archived thread of such a channel is refused", () =>
      play(async (scene) => {
        const { say, mention, simulator, until, here } = scene;
        const { id: channelId } = simulator.channel(THREAD);
        const given = JSON.stringify({ action: "sendMessage", channelId, text: "around it" });
        say("grace", here, `${mention}\ncall: discord ${given}`);
        await until(
          "a refusal",
          () => scene.written(here).some((text) => /person checks there what you post/.test(text)),
        );
        assert.doesNotMatch(JSON.stringify(simulator.posted(channelId)), /around it/);
      }, inHelp()));

    it("an offer, and the card about a refused action, do not speak in the channel", () =>
      play(async (scene) => {
        const { say, mention, simulator, until } = scene;
        const offer = {
          text: "Words of the model.",
          actions: [{ label: "Go", tool: "discord", arguments: { action: "roleInfo" } }],
        };
        say("grace", "help", `${mention}\ncall: offer_actions ${JSON.stringify(offer)}`);
        const message = await card(scene);
        assert.match(textOf(message), /offer_actions/);
        assert.match(textOf(message), /cannot be used here/);
        press(scene, message, DISCARD);
        await settled(scene, message);
        const { id } = simulator.channel("help");
        const action = { action: "channelEdit", channelId: id, topic: "words of the model" };
        say("grace", "help", `${mention}\ncall: discord ${JSON.stringify(action)}`);
        const direct = simulator.channel("dm", "ada").id;
        await until(
          "a card for the owner",
          () => simulator.posted(direct).some(({ components }) => buttonsIn(components).length > 0),
        );
        assert.deepEqual(scene.written("help"), []);
      }, inHelp({ tools: { alsoAllow: ["offer_actions"] } }, { escalate: true })));
  });
});
