/** Tests turns with tools, schedules and threads, which a crash cuts. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import {
  ended,
  KILLED,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { reconfigure, sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

/** Sets the time of a schedule to now; a running bot notices that it goes on after a pause. */
async function makeDue({ dataDir, cli }: Scene, id = "1"): Promise<void> {
  await cli("schedules", "pause", id);
  const database = new DatabaseSync(join(dataDir, DATABASE_NAME), { timeout: 5_000 });
  try {
    database.prepare("UPDATE schedule SET next_at = ? WHERE id = ?").run(Date.now(), id);
  } finally {
    database.close();
  }
  await cli("schedules", "resume", id);
}

describe("[L3] a model server that refuses tools", () => {
  const play = sharedBot({});

  it("gets questions without them, and log, health and owner hear of it once", () =>
    play(async ({ say, mention, replies, model, status, until, written, here }, bot) => {
      model.behave("no_tools");
      for (let at = 1; at <= 2; at++) {
        say("grace", here, `${mention} hello ${at}`);
        assert.match((await replies(here, at)).at(-1) ?? "", new RegExp(`> hello ${at}`));
      }
      assert.deepEqual(model.requests.slice(-2).map(({ hasTools }) => hasTools), [false, false]);
      assert.match(model.requests.at(-1)?.system ?? "", /You have no tools here/);
      assert.equal(bot.lines.filter((line) => line.includes("refuses all tools")).length, 1);
      const { findings } = await status(bot);
      const check = findings.find(({ why }) => why?.includes("refuses all tools"));
      assert.equal(check?.where, "openai/barnacle-script");
      assert.match(check.why ?? "", /refuses all tools.*does not support tools/);
      const told = /`openai\/barnacle-script` refuses all tools/;
      await until("the owner to read it", () => told.test(written("dm", "ada").join()));
    }));
});

const remind = (input: object) => `call: remind ${JSON.stringify(input)}`;

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

const threads = (rules: object): SceneOptions => ({
  discord: ({ world }) => ({
    guilds: { [String([...world.guilds.keys()][0])]: { threads: rules } },
  }),
});

/** The thread of a message; `undefined` if it has none. */
function threadOf({ simulator }: Scene, { id }: { readonly id: string }) {
  for (const channel of simulator.world.channels.values()) {
    if (channel.kind === "thread" && String(channel.id) === id) return channel;
  }
  return undefined;
}

/** The bot's messages in the thread of a message, once there are that many. */
async function repliesIn(scene: Scene, message: { readonly id: string }, count: number) {
  await scene.until("the thread", () => threadOf(scene, message));
  return await scene.replies(message.id, count);
}

describe("[S7] threads for answers", () => {
  for (const point of crashPoints(["before:T3:1"], ["after:T3:1"])) {
    it(`[D1] have one answer after a crash ${point}`, () =>
      withSimulation(
        {
          ...threads({ auto: "mention" }),
          mayRefuse: ({ route, status }) => route.endsWith("/threads") && status === 400,
        },
        async (scene) => {
          const { start, say, mention, written } = scene;
          const dying = await scene.start({ BARNACLE_CRASH_AT: point });
          const question = say("grace", "general", `${mention} Where is the pier?`);
          assert.deepEqual(await ended(dying), KILLED);
          await start();
          await repliesIn(scene, question, 1);
          say("grace", question.id, "And the harbour?");
          await repliesIn(scene, question, 2);
          assert.equal(written(question.id).length, 2);
          assert.deepEqual(written("general"), []);
        },
      ));
  }
});
