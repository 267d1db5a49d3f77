/** Tests what follows edits and deletions of answered questions, as people on Discord see it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { IS_LONG } from "../../support/long_form.ts";
import { settleIn } from "../../support/bot/survival.ts";

const FOLLOWS = {
  config: { channels: { discord: { guilds: { "*": { edits: "follow" } } } } },
};

/** The bot's messages in a channel as people see them, oldest first. */
const shown = ({ written }: Scene, channel: string) => written(channel);

/** Whether Discord may refuse a request: its message may be gone by then. */
const isOfGoneMessage = ({ path }: { readonly path: string }) =>
  /\/reactions\/|\/messages\/\d/.test(path);

describe("[H6a] the bot, where answers follow edits", () => {
  const play = sharedBot(FOLLOWS);

  it("answers an edited question in the same message, in its place of the conversation", () =>
    play(async (scene, bot) => {
      const { simulator, here, say, mention, replies, model, eventually } = scene;
      const { id: message } = say("grace", here, `${mention} tides on monday`);
      await replies(here, 1);
      say("grace", here, `${mention} thanks`);
      await replies(here, 2);
      simulator.edit({ as: "grace", in: here, message, text: `${mention} tides on friday` });
      await eventually(
        "the new answer",
        () =>
          Promise.resolve(
            shown(scene, here).some((text) => text.includes("> tides on friday")),
          ),
      );
      const request = model.requests.at(-1);
      const texts = request?.messages.map(({ text }) => text).join("\n") ?? "";
      assert.doesNotMatch(texts, /monday|thanks/);
      assert.match(texts, /has edited the message below/);
      const all = shown(scene, here);
      assert.equal(all.length, 2, "no new message");
      assert.match(all[0] ?? "", /^-# Answers the question as edited at <t:\d+:T>\.\n/);
      say("grace", here, `${mention} and now?`);
      await replies(here, 3);
      const later = model.requests.at(-1)?.messages.map(({ text }) => text) ?? [];
      assert.doesNotMatch(later.join("\n"), /monday/);
      assert.doesNotMatch(bot.lines.join("\n"), /monday|friday/, "the log has no words");
      assert.ok(
        later.findIndex((text) => text.includes("friday")) <
          later.findIndex((text) => text.includes("thanks")),
      );
    }));

  it("repeats no tool with effects, and says what stays done", () =>
    play(async (scene) => {
      const { simulator, here, say, mention, replies, eventually, rows, cli } = scene;
      const remind = (text: string) =>
        `call: remind ${JSON.stringify({ action: "create", when: "8h", text })}`;
      const save = `call: memory ${JSON.stringify({ action: "save", text: "likes tea" })}`;
      const { id: message } = say("grace", here, `${mention}\n${save}\n${remind("tea")}`);
      await replies(here, 1);
      const { code, stdout } = await cli("memory", "trace", message);
      assert.equal(code, 0);
      assert.match(
        stdout.join("\n"),
        /: answered\n[^]*Transcript: \d entr[^]* of its own turn\n[^]*the turn of message[^]*Note: 1\n/,
      );
      assert.match(stdout.join("\n"), /Cannot be undone: its words were sent to the server of/);
      simulator.edit({
        as: "grace",
        in: here,
        message,
        text: `${mention}\n${remind("coffee")}`,
      });
      await eventually(
        "the new answer",
        () => Promise.resolve(shown(scene, here).some((text) => /not repeated: /.test(text))),
      );
      const [answer = ""] = shown(scene, here);
      assert.match(
        answer,
        /^-# Answers the question as edited at <t:\d+:T>\..*not repeated: remind\./,
      );
      assert.equal(rows("SELECT id FROM schedule").length, 1);
      assert.deepEqual(rows("SELECT text FROM note"), [], "it came from the old words");
      assert.deepEqual(rows("SELECT 1 FROM entry WHERE text LIKE '%tea%'"), []);
    }));

  it("asks the model for a bounded number of a hundred edits, and answers others meanwhile", () =>
    play(async (scene) => {
      const { simulator, here, say, mention, replies, model } = scene;
      const { id: message } = say("grace", here, `${mention} tides 0`);
      await replies(here, 1);
      for (let number = 1; number <= 100; number++) {
        const text = `${mention} tides ${number}`;
        simulator.edit({ as: "grace", in: here, message, text });
      }
      say("ada", "help", `${mention} still there?`);
      assert.match((await replies("help", 1))[0] ?? "", /still there/);
      say("grace", here, `${mention} thanks`);
      await replies(here, 2);
      assert.equal(shown(scene, here).length, 2, "one answer to each question");
      const asked = model.requests.filter(({ messages }) =>
        JSON.stringify(messages.at(-1)).includes("tides")
      );
      assert.ok(asked.length <= 21, `${asked.length} requests`);
    }));

  describe("[H6a] the bot by default", () => {
    const byDefault = { config: {} };

    it("[T14] deletes a note of overheard words with their message, and keeps the asker's own", () =>
      play(async (scene, bot) => {
        const { simulator, here, say, mention, replies, until, rows, cli } = scene;
        const { id: message } = say("grace", here, "the vault's code is heron-47");
        const note = (text: string) => `call: memory ${JSON.stringify({ action: "save", text })}`;
        say("ada", here, `${mention}\n${note("HERON").replace("H", "\\u0048")}`);
        await replies(here, 1);
        say("ada", here, `${mention}\n${note("My tea is green")}`);
        await replies(here, 2);
        const { stdout } = await cli("memory", "trace", message);
        assert.match(stdout.join("\n"), /Note: 2(?!, 3)/);
        simulator.delete({ as: "grace", in: here, message });
        const texts = () => rows("SELECT text FROM note").map(({ text }) => text);
        await until("one note", () => texts().length < 2);
        assert.deepEqual(texts(), ["My tea is green"]);
        assert.doesNotMatch(bot.lines.join("\n"), /heron|green/i, "the log has no words");
      }, byDefault));

    it("leaves answers in guilds by default, and traces only what is a message", () =>
      play(async (scene) => {
        const { simulator, here, say, mention, replies, model, cli } = scene;
        const { id: message } = say("grace", here, `${mention} first`);
        await replies(here, 1);
        simulator.edit({ as: "grace", in: here, message, text: `${mention} second` });
        say("grace", here, `${mention} third`);
        await replies(here, 2);
        assert.equal(model.requests.length, 2);
        assert.ok(shown(scene, here).some((text) => text.includes("> first")));

        const wrong = [
          "",
          "-1",
          "x".repeat(100_000),
          "https://evil.example/channels/1/2/1456074443980800011",
        ];
        for (const written of wrong) {
          const { code, stdout, stderr } = await cli("memory", "trace", written);
          assert.equal(code, 2, written.slice(0, 80));
          assert.deepEqual(stdout, []);
          assert.match(
            stderr.join("\n"),
            /^barnacle: ".*" is no message: give its link or its id$/,
          );
        }
        const { code, stdout } = await cli("memory", "trace", "1456074443980800012");
        assert.equal(code, 0);
        assert.deepEqual(stdout, [
          "Nothing in the store came from message 1456074443980800012.",
        ]);
      }, byDefault));
  });

  describe("[H6a] the bot", () => {
    it("withdraws or replaces an answer, also while its parts are sent", () =>
      play(async (scene) => {
        const { simulator, say, mention, replies, until, eventually, rows, written, here } = scene;
        const { id: short } = say("grace", "help", `${mention} never mind`);
        await replies("help", 1);
        simulator.delete({ as: "grace", in: "help", message: short });
        await until("no answer", () => written("help").length === 0);

        const { id: deleted } = say("grace", here, `${mention} long`);
        await replies(here, 1);
        simulator.delete({ as: "grace", in: here, message: deleted });
        const open = "SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')";
        await until("no part", () => written(here).length === 0);
        await eventually("no part to be sent", () => Promise.resolve(rows(open).length === 0));
        assert.equal(written(here).length, 0);

        const { id: message } = say("grace", "off-topic", `${mention} long`);
        await replies("off-topic", 1);
        simulator.edit({ as: "grace", in: "off-topic", message, text: `${mention} and briefly?` });
        await until("the new answer alone", () => {
          const [first = "", ...rest] = written("off-topic");
          return first.includes("> and briefly?") && rest.length === 0;
        });
      }, { mayRefuse: isOfGoneMessage }));

    const others = ["before:T1:3", "before:T3:2", "before:T4:2", "before:T5:2"];
    for (const point of ["after:T1:3", "after:T3:2", "after:T4:2", ...(IS_LONG ? others : [])]) {
      it(`${point} › answers the edit once, in the same message`, () =>
        withSimulation(FOLLOWS, async (scene) => {
          await settleIn(scene);
          const { simulator, start, say, mention, replies, eventually } = scene;
          const dying = await start({ BARNACLE_CRASH_AT: point });
          const { id: message } = say("grace", "general", `${mention} the old question`);
          await replies("general", 1);
          simulator.edit({
            as: "grace",
            in: "general",
            message,
            text: `${mention} the new question`,
          });
          assert.deepEqual(await ended(dying), KILLED);
          await start();
          await eventually(
            "the new answer",
            () =>
              Promise.resolve(shown(scene, "general").some((text) => text.includes("> the new"))),
          );
          say("grace", "general", `${mention} later`);
          await eventually(
            "the next answer",
            () => Promise.resolve(shown(scene, "general").some((text) => text.includes("> later"))),
          );
          assert.equal(shown(scene, "general").length, 2);
        }));
    }
  });
});
