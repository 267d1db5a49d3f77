/** Tests answers that a person checks before Discord gets them: each button, each rule, each crash. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { describe, it } from "node:test";
import { textOf } from "../../../simulator/world/components.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import {
  answers,
  card,
  checked,
  DISCARD,
  EDIT,
  labels,
  OWNER,
  POST,
  press,
  REVIEWS,
  SELF,
  settled,
} from "../../support/bot/checked_answers.ts";
import {
  ended,
  killBot,
  KILLED,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

/** Changes rows while no bot runs, in place of the time that passes. */
function change({ dataDir }: Scene, sql: string): void {
  const database = new DatabaseSync(join(dataDir, DATABASE_NAME));
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** A press that a RESUME brings again, or an answer that overtakes its deferral. */
const isRepeated = ({ path, status }: RequestRecord) =>
  (status === 400 && path.endsWith("/callback")) || (status === 404 && path.endsWith("/@original"));

/** The guild's keys, over those of {@link checked}. */
const guildWith = (keys: object): SceneOptions => ({
  discord: ({ world }) => ({ guilds: { [[...world.guilds.keys()][0] ?? ""]: keys } }),
});

describe("[A5] an answer that a person checks", () => {
  const play = sharedBot(checked(
    "always",
    {},
    guildWith({ approval: "always", channels: { "*": {}, help: { approval: "never" } } }),
  ));
  const UNSURE = checked(
    "unsure",
    { newPeople: false, words: ["Refund"] },
    guildWith({ approval: "unsure", channels: { "*": {}, help: { approval: "always" } } }),
  );
  const unsure = (test: Parameters<typeof play>[0]) => play(test, UNSURE);

  it("is a card with question, asker, link and draft, and is posted as shown", () =>
    play(async (scene) => {
      const { say, mention, cli, here } = scene;
      const asked = say("grace", here, `${mention} is the \`shop\` open?`);
      const message = await card(scene);
      const text = textOf(message);
      assert.match(text, /every answer here is checked/);
      assert.match(text, /is the .*shop.* open\?/);
      assert.ok(text.includes(`<@${scene.user("grace").id}>`), text);
      assert.ok(text.includes(`/${asked.channelId}/${asked.id}`), text);
      assert.match(text, /You wrote:/);
      assert.deepEqual(labels(message), [POST, EDIT, DISCARD, SELF]);
      assert.deepEqual(scene.written(here), []);
      const waiting = await cli("why", asked.id);
      assert.match(waiting.stdout.join(""), /its draft waits for a person/);
      press(scene, message, POST);
      const [answer = ""] = await scene.replies(here, 1);
      assert.ok(text.includes(answer), `${text}\n---\n${answer}`);
      assert.match(await settled(scene, message), /<@\d+> chose: Post/);
      const held = new RegExp(`draft: held .*every answer here is checked.*posted.*${OWNER}`);
      await scene.eventually(
        "the record",
        async () => held.test((await cli("why", asked.id)).stdout.join("")),
      );
    }));

  it("is posted as a person has edited it, and the session knows that text", () =>
    play(async (scene) => {
      const { say, mention, simulator, model, until, here } = scene;
      say("grace", here, `${mention} the first one`);
      const message = await card(scene);
      const opened = press(scene, message, EDIT);
      await until("a form", () => opened.answer && opened.answer.kind === "modal");
      assert.match(JSON.stringify(opened.answer), /the first one/, "the form has the draft");
      simulator.submit(opened, {
        [NOTICES.draftText.text]: "By hand: see https://shop.example/hours and **come in**.",
      });
      const [answer] = await scene.replies(here, 1);
      assert.equal(answer, "By hand: see https://shop.example/hours and **come in**.");
      assert.match(await settled(scene, message), /By hand: see [^]*edited it/);
      say("grace", here, `${mention} the second one`);
      press(scene, await card(scene), POST);
      await scene.replies(here, 2);
      const said = JSON.stringify(model.requests.at(-1)?.messages);
      assert.match(said, /By hand: see/);
      assert.doesNotMatch(said, /You wrote:[^"]*the first one/);
    }));

  for (
    const [label, reason, note] of [
      [DISCARD, "discarded the draft", "a person discarded it"],
      [SELF, "answers in place of the draft", "a person answers instead"],
    ] as const
  ) {
    it(`is not posted after "${label}", and its reason is on record`, () =>
      play(async (scene) => {
        const { say, mention, cli, model, here } = scene;
        const asked = say("grace", here, `${mention} the first one`);
        const message = await card(scene);
        press(scene, message, label);
        await settled(scene, message);
        await scene.eventually(
          "the reason",
          async () =>
            (await cli("why", asked.id)).stdout.join("").includes(`user:${OWNER} ${reason}`),
        );
        say("grace", here, `${mention} the second one`);
        press(scene, await card(scene), POST);
        const [only = "", second] = await scene.replies(here, 1);
        assert.match(only, /the second one/);
        assert.equal(second, undefined);
        assert.match(JSON.stringify(model.requests.at(-1)?.messages), new RegExp(note));
      }));
  }

  it("blocks no later answer, and the order of the decisions is that of the answers", () =>
    unsure(async (scene) => {
      const { say, mention, here } = scene;
      say("grace", here, `${mention} [[unsure: no source]] the first one`);
      const message = await card(scene);
      assert.match(textOf(message), /the model is unsure: no source/);
      say("grace", here, `${mention} the second one`);
      say("ada", here, `${mention} the third one`);
      await scene.replies(here, 2);
      press(scene, message, POST);
      const texts = await scene.replies(here, 3);
      assert.match(texts[2] ?? "", /the first one/);
      assert.doesNotMatch(texts.join(""), /unsure/);
    }));

  for (
    const [name, words, why] of [
      ["a link", "see https://krill.example/", /it has a link/],
      ["a word of the config", "a refund?", /"Refund"/],
    ] as const
  ) {
    it(`with "unsure", ${name} is a reason`, () =>
      unsure(async (scene) => {
        const { say, mention, here } = scene;
        say("grace", here, `${mention} ${words}`);
        const message = await card(scene);
        assert.match(textOf(message), why);
        press(scene, message, POST);
        await scene.replies(here, 1);
      }));
  }

  it("a channel inherits from its guild, and may say otherwise", () =>
    play(async (scene) => {
      const { say, mention, here } = scene;
      say("grace", "help", `${mention} unchecked`);
      await scene.replies("help", 1);
      say("grace", here, `${mention} checked`);
      press(scene, await card(scene), POST);
      await scene.replies(here, 1);
      say("ada", REVIEWS, `${mention} in the channel`); // the people there see it anyway
      await scene.until("an answer", () => answers(scene, REVIEWS).length > 0);
    }));

  it("drafts for direct messages go to the owners' own; an owner's own answer is not checked", () =>
    play(async (scene) => {
      const { say, mention } = scene;
      say("ada", "dm", "of my own");
      await scene.replies("dm", 1, "ada");
      say("grace", "dm", "in private");
      const message = await card(scene, "dm", "ada");
      assert.match(textOf(message), /in private/);
      assert.deepEqual(scene.written(REVIEWS), []);
      press(scene, message, POST, { where: "dm" });
      const [answer = ""] = await scene.replies("dm", 1, "grace");
      assert.match(answer, /in private/);
      assert.ok(mention);
    }));

  it("a draft of several messages is a file, without a form above 4,000 characters", () =>
    play(async (scene) => {
      const { say, mention, here } = scene;
      say("grace", here, `${mention} long`);
      const message = await card(scene);
      assert.deepEqual(labels(message), [POST, DISCARD, SELF]);
      assert.deepEqual(message.attachments.map(({ filename }) => filename), ["draft.md"]);
      press(scene, message, POST);
      const parts = await scene.until("all parts", () => {
        const texts = scene.written(here);
        return texts.at(-1)?.includes("opens and closes its own code block") && texts;
      });
      assert.ok(parts.length > 1);
      await settled(scene, message);
    }));

  it("a new person is a reason", () =>
    play(async (scene) => {
      const { say, mention, simulator, here } = scene;
      addUser(simulator.world, { username: "newt" }, Date.now());
      simulator.invite({ who: "newt" });
      say("newt", here, `${mention} hello`);
      const message = await card(scene);
      assert.match(textOf(message), /a new person asks/);
      press(scene, message, POST);
      await scene.replies(here, 1);
    }, checked("unsure")));

  it("[SEC-R19] another person's press, a forged id, and a second press change nothing", () =>
    play(async (scene) => {
      const { say, mention, simulator, until, here } = scene;
      say("grace", here, `${mention} hello`);
      const message = await card(scene);
      press(scene, message, POST, { as: "grace" });
      await until("a refusal", () => simulator.ephemeral("grace").length > 0);
      assert.deepEqual(scene.written(here), []);
      press(scene, message, DISCARD);
      press(scene, message, POST);
      await settled(scene, message);
      await until(
        "an answer to the second press",
        () =>
          simulator.ephemeral("ada").some(({ content }) => content === NOTICES.questionClosed.text),
      );
      say("grace", here, `${mention} again`);
      press(scene, await card(scene), POST);
      const [only = ""] = await scene.replies(here, 1);
      assert.match(only, /again/);
    }));

  it("a listed person decides in a channel where the bot answers no one", () =>
    play(async (scene) => {
      const { say, mention, simulator, until, here } = scene;
      for (const who of ["edsger", "mallory"]) simulator.invite({ who });
      say("grace", here, `${mention} hello`);
      const message = await card(scene);
      press(scene, message, POST, { as: "mallory" });
      await until("a refusal", () => simulator.ephemeral("mallory").length > 0);
      press(scene, message, POST, { as: "edsger" });
      await scene.replies(here, 1);
      assert.match(await settled(scene, message), /chose: Post/);
    }, ({ simulator, here }) =>
      checked(
        "always",
        { people: [simulator.user("edsger")] },
        guildWith({ channels: { [here]: { approval: "always" } } }),
      )));

  it("tools are no way around: no posts, no reminders, no questions", () =>
    unsure(async (scene) => {
      const { say, mention, simulator, until, here } = scene;
      const { id: channelId } = simulator.channel(here);
      const post = JSON.stringify({ action: "sendMessage", channelId, text: "around it" });
      say("grace", here, `${mention}\ncall: discord ${post}`);
      await until(
        "a refusal",
        () => scene.written(here).some((text) => /person checks there what you post/.test(text)),
      );
      const remind = JSON.stringify({ action: "create", when: "2h", text: "around it" });
      say("grace", here, `${mention}\ncall: remind ${remind}`);
      await until(
        "a refusal",
        () => scene.written(here).some((text) => /set a task, whose answer/.test(text)),
      );
      say("grace", "help", `${mention}\ncall: ask {"question":"Which?","options":["a","b"]}`);
      const message = await card(scene);
      assert.match(textOf(message), /ask cannot be used here/);
      assert.deepEqual(scene.written("help"), []);
      say("ada", here, `${mention}\ncall: discord ${post}`); // an owner may
      await until("the post", () => scene.written(here).includes("around it"));
    }));

  it("an edited question gets a new draft, and a deleted one none", () =>
    play(async (scene) => {
      const { say, mention, simulator, until, here } = scene;
      const { id } = say("grace", here, `${mention} the old words`);
      const first = await card(scene);
      simulator.edit({ as: "grace", in: here, message: id, text: `${mention} the new words` });
      assert.match(await settled(scene, first), /needs no answer any more/);
      const second = await card(scene);
      assert.notEqual(second.id, first.id);
      assert.match(textOf(second), /the new words/);
      // Discord refuses a reaction to a deleted message.
      const question = simulator.channel(here).messages.get(id);
      await until("the reaction", () => question?.reactions.size);
      const fault = { kind: "reset" } as const; // the card keeps its buttons for now
      simulator.faults.rest.add({ method: "PATCH", route: "/channels/:id/messages/:id", fault });
      simulator.delete({ as: "grace", in: here, message: id });
      await until("questions without words", () => {
        const stored = JSON.stringify(
          scene.rows("SELECT question FROM question ORDER BY id DESC LIMIT 2"),
        );
        return !/new words|old words|Who asks/.test(stored);
      });
      press(scene, second, POST);
      const { text: closed } = NOTICES.questionClosed;
      await until("a line", () => simulator.ephemeral("ada").some((one) => one.content === closed));
      simulator.faults.rest.clear();
      assert.match(await settled(scene, second), /needs no answer any more/);
      const emptied = () =>
        [first, second].every(({ id }) => {
          const now = simulator.posted(REVIEWS).find((one) => one.id === id);
          return now && !/words|<@/.test(textOf(now));
        });
      await until("cards without words and person", emptied);
      assert.deepEqual(scene.written(here), []);
    }));
});

describe("[A5] the time of a draft", () => {
  it("after a minute one line says that it waits; an expired one is not posted, as its asker learns", () =>
    withSimulation(checked("always"), async (scene) => {
      const { start, say, mention, until, simulator, cli } = scene;
      const first = await start();
      say("grace", "general", `${mention} book`);
      const message = await card(scene);
      assert.match(textOf(message), /\*\*Files:\*\* answer\.md/);
      const asked = say("grace", "help", `${mention} hello`);
      const late = await until(
        "another card",
        () => simulator.posted(message.channelId).find((one) => textOf(one).includes("hello")),
      );
      await killBot(first);
      change(scene, "UPDATE question SET created_at = created_at - 60000");
      change(scene, "UPDATE question SET expires_at = 1 WHERE id = (SELECT MAX(id) FROM question)");
      const second = await start();
      await until("the line", () => scene.written("general").includes(NOTICES.answerWaits.text));
      assert.deepEqual(await scene.replies("help", 1), [NOTICES.answerUnchecked.text]);
      assert.match(await settled(scene, late), /No one answered in time/);
      await scene.eventually(
        "the reason",
        async () =>
          (await cli("why", asked.id)).stdout.join("").includes("no one checked the draft in time"),
      );
      await killBot(second);
      await start();
      press(scene, message, POST);
      await until(
        "the answer with its file",
        () =>
          simulator.posted("general").some(({ attachments }) =>
            attachments.some(({ filename }) => filename === "answer.md")
          ),
      );
      await until(
        "the end of the line",
        () => !scene.written("general").includes(NOTICES.answerWaits.text),
      );
    }));
});

describe("[A5] [D1] kill -9", () => {
  for (const point of crashPoints(["after:TS", "posted"], ["before:TS", "before:T4"])) {
    it(`${point}: one card, one answer`, () =>
      withSimulation(checked("always"), async (scene) => {
        const { start, say, mention, simulator } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        say("grace", "general", `${mention} hello`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        const message = await card(scene);
        press(scene, message, POST);
        await scene.replies("general", 1);
        await settled(scene, message);
        assert.equal(scene.written("general").length, 1);
        assert.equal(simulator.posted(simulator.channel(REVIEWS).id).length, 1);
      }));
  }

  const afterPress = crashPoints(["before:T3", "posted:2"], [
    "after:T3",
    "after:T4:2",
    "before:T5:2",
  ]);
  for (const point of afterPress) {
    it(`${point}, after the press: one answer`, () =>
      withSimulation(
        checked("always", {}, { mayRefuse: isRepeated }),
        async (scene) => {
          const { start, say, mention } = scene;
          const dying = await start({ BARNACLE_CRASH_AT: point });
          say("grace", "general", `${mention} hello`);
          const message = await card(scene);
          press(scene, message, POST);
          assert.deepEqual(await ended(dying), KILLED);
          await start();
          await scene.replies("general", 1);
          await settled(scene, message);
          assert.equal(scene.written("general").length, 1);
        },
      ));
  }
});
