/** Tests reminders and scheduled tasks as people on Discord see them, through crashes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, KILLED, withSimulation } from "../../support/bot/e2e.ts";
import { makeDue } from "../../support/bot/schedules.ts";
import { reconfigure, sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";
import { messageId } from "../../support/discord/builders.ts";

const remind = (input: object) => `call: remind ${JSON.stringify(input)}`;
const CREATE = { action: "create", when: "1s" };

describe("[T12] the bot", () => {
  const play = sharedBot({});

  describe("[T12] barnacle schedules", () => {
    it("pauses, resumes and deletes, and a creator without access is not served", () =>
      play(async (scene, bot) => {
        const { say, mention, replies, cli, rows, eventually, here } = scene;
        const set = { action: "create", when: "8h", text: "the tide", task: true };
        say("grace", here, `${mention}\n${remind(set)}`);
        await replies(here, 1);
        const state = async () => (await cli("schedules", "list")).stdout[0] ?? "";
        assert.match(await state(), /task +next /);
        await cli("schedules", "pause", "1");
        assert.match(await state(), /paused/);
        await cli("schedules", "resume", "1");
        assert.match(await state(), /task +next /);
        await reconfigure(scene, bot, { discord: () => ({ groupPolicy: "disabled" }) });
        await makeDue(scene);
        await eventually("the refusal", () => {
          const [run] = rows("SELECT is_refused FROM schedule_run");
          return Promise.resolve(run?.["is_refused"] === 1);
        });
        const { stdout: [, run = ""] } = await cli("schedules", "list");
        const [, id = ""] = /barnacle why (\d+)/.exec(run) ?? [];
        assert.match((await cli("why", id)).stdout.join("\n"), /guilds are disabled/);
        assert.equal((await cli("schedules", "delete", "1")).code, 0);
        assert.equal((await cli("schedules", "delete", "1")).code, 1);
      }, { config: {} }));
  });

  it("posts a reminder without a request to the model, and mentions its creator alone", () =>
    play(async ({ here, say, mention, replies, model, user, cli }) => {
      say("grace", here, `${mention}\n${remind({ ...CREATE, text: "Tea! @everyone" })}`);
      const [, reminder = ""] = await replies(here, 2);
      assert.equal(model.requests.length, 2);
      assert.match(reminder, new RegExp(`^<@${user("grace").id}> Reminder: Tea!`));
      const { stdout } = await cli("schedules", "list");
      assert.match(stdout.join("\n"), /reminder +done .*\n .*delivered +barnacle why \d+/);
    }));

  it("runs a task as a turn of its creator, in the same session", () =>
    play(async ({ here, say, mention, replies, model, decided, rows, simulator }) => {
      say(
        "grace",
        here,
        `${mention}\n${remind({ ...CREATE, text: "hello again", task: true })}`,
      );
      const [, answer = ""] = await replies(here, 2);
      assert.match(answer, /> hello again/);
      const asked = model.requests.at(-1)?.messages.at(-1)?.text ?? "";
      assert.match(asked, /\[scheduled task \d+, set earlier by this person, is due now\]/);
      const [row] = rows("SELECT message_id AS id FROM schedule_run ORDER BY message_id DESC");
      assert.equal(await decided({ id: messageId(String(row?.["id"])) }), "accept: mentioned");
      const { id } = simulator.channel(here);
      const keys = rows("SELECT DISTINCT session_key FROM entry WHERE parts LIKE '%hello again%'");
      assert.equal(keys.length, 1);
      assert.match(String(keys[0]?.["session_key"]), new RegExp(id));
    }));

  describe("[R11] a scheduled task that fails", () => {
    it("is told to the owner, and leaves no line in the channel", () =>
      play(async (scene) => {
        const { say, mention, replies, written, model, cli, rows, here } = scene;
        const set = { action: "create", when: "8h", text: "the tide", task: true };
        say("grace", here, `${mention}\n${remind(set)}`);
        await replies(here, 1);
        model.behave("garbage");
        const [row] = rows("SELECT MAX(id) AS id FROM schedule");
        const number = String(row?.["id"]);
        await makeDue(scene, number);
        const [told = ""] = await replies("dm", 1, "ada");
        assert.match(
          told,
          new RegExp(`^Scheduled tasks failed in <#\\d+>: 1, the last one number ${number}\\.`),
        );
        const [, run = ""] = /barnacle why (\d+)/.exec(told) ?? [];
        assert.match((await cli("why", run)).stdout.join("\n"), /not_an_answer/);
        assert.equal(written(here).length, 1);
      }));
  });

  describe("[T12] a schedule whose bot is killed", () => {
    const cases = crashPoints<[kind: "reminder" | "task", point: string]>([
      ["task", "after:T3"],
      ["reminder", "before:T5"],
    ], [
      ["task", "before:T3"],
      ["task", "before:T4"],
      ["reminder", "before:T4"],
      ["reminder", "after:T4"],
    ]);
    for (const [kind, point] of cases) {
      it(`${kind}, ${point} › runs once`, () =>
        withSimulation({}, async (scene) => {
          const { start, say, mention, replies } = scene;
          const first = await start();
          const set = { action: "create", when: "8h", text: "the tide", task: kind === "task" };
          say("grace", "general", `${mention}\n${remind(set)}`);
          await replies("general", 1);
          first.kill("SIGTERM");
          await ended(first);
          await makeDue(scene);
          const dying = await start({ BARNACLE_CRASH_AT: point });
          assert.deepEqual(await ended(dying), KILLED);
          await start();
          await replies("general", 2);
          // A second run would come before the answer to a later question.
          say("grace", "general", `${mention} later`);
          const [, run = "", later = ""] = await replies("general", 3);
          assert.match(run, kind === "task" ? /> the tide/ : /Reminder: the tide/);
          assert.match(later, /> later/);
        }));
    }
  });
});
