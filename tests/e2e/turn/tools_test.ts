/** Tests tools as people on Discord see them, and turns with tools that a crash cuts. */

import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { reconfigure, sharedBot } from "../../support/bot/shared_bot.ts";
import { type Bytes, docx, pdf, png } from "../../support/files/samples.ts";
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

const READ = 'call: read_channel_history {"limit":5}';

describe("[T6] the bot", () => {
  const play = sharedBot({
    discord: ({ world }) => ({
      guilds: {
        [[...world.guilds.keys()][0] ?? ""]: {
          channels: { "*": {}, "off-topic": { users: ["ada"] } },
        },
      },
    }),
  });

  it("reads a channel's history if the model asks for it", () =>
    play(async ({ say, mention, replies, here }) => {
      say("ada", here, "The tide is high at noon.");
      say("grace", here, `${mention}\n${READ}`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /The tools returned/);
      assert.match(reply, /"from":"ada".*The tide is high at noon\./);
    }));

  describe("[L3] a model server that refuses tools", () => {
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
        assert.match(check.why, /refuses all tools.*does not support tools/);
        const told = /`openai\/barnacle-script` refuses all tools/;
        await until("the owner to read it", () => told.test(written("dm", "ada").join()));
      }));
  });
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

/** Sends files with a message to the bot. */
function send(
  { simulator, here }: Scene,
  text: string,
  files: Readonly<Record<string, Bytes>>,
  more: { readonly replyTo?: string; readonly sizeBytes?: number } = {},
) {
  const { sizeBytes, replyTo } = more;
  return simulator.say({
    as: "grace",
    in: here,
    text,
    ...(replyTo !== undefined && { replyTo }),
    attachments: Object.entries(files).map(([filename, bytes]) => ({
      filename,
      bytes,
      sizeBytes: sizeBytes ?? bytes.length,
    })),
  });
}

/** The newest prompt of the model. */
function prompt({ model }: Scene): string {
  return model.requests.at(-1)?.messages.findLast(({ role }) => role === "user")?.text ?? "";
}

describe("[H7] [H8] files of a message", () => {
  const play = sharedBot({});

  it("gives the model the text of a PDF, and keeps the file privately", () =>
    play(async (scene) => {
      const { here, mention, replies, dataDir } = scene;
      const { id } = send(scene, `${mention} what does it say?`, {
        "report.pdf": pdf(["The krill harvest grew by 12 percent.", "Page two."]),
      });
      await replies(here, 1);
      assert.match(prompt(scene), /\[file 1, of the message: PDF\]/);
      assert.match(
        prompt(scene),
        /<file boundary="\w+">\n\{"name":"report\.pdf"\}[^<]*The krill harvest grew by 12 percent\.[^<]*Page two/,
      );
      const folder = join(dataDir, "media", id);
      const [kept = ""] = readdirSync(folder);
      assert.match(kept, /^\d+-\d+\.pdf$/);
      assert.equal(statSync(join(folder, kept)).mode & 0o077, 0);
      assert.equal(statSync(folder).mode & 0o077, 0);
    }));
});

describe("[H7] [H8] files of a message to a bot with a limit", () => {
  const play = sharedBot({ discord: () => ({ mediaMaxMb: 1 }) });

  it("[SEC-R25] names files that it does not read, and still answers", () =>
    play(async (scene) => {
      const { here, mention, replies } = scene;
      send(scene, `${mention} look`, {
        "notes.txt": new TextEncoder().encode("low tide at nine"),
        "big.txt": new Uint8Array(1_100_000).fill(97),
        "bomb.png": png(65_535, 65_535),
        "evil.docx": docx(["the plan for spring"]),
        // "Файл не найден" in Windows-1251, and "設定ファイル" in Shift-JIS.
        "log.txt": Uint8Array.fromHex("d4e0e9eb20ede520ede0e9e4e5ed0a"),
        "settings.txt": Uint8Array.fromHex("90dd92e8837483408343838b0a"),
      });
      await replies(here, 1);
      const text = prompt(scene);
      assert.match(text, /\{"name":"log.txt"\}\nФайл не найден/);
      assert.match(text, /\{"name":"settings.txt"\}\n設定ファイル/);
      assert.match(
        text,
        /of the message: text file\]\n<file[^>]*>\n\{"name":"notes.txt"\}\nlow tide/,
      );
      assert.match(text, /not read: 1\.1 MB, and the limit is 1 MB\]\n<file[^>]*>\n\{"name":"big/);
      assert.match(text, /not read: the image has 4295 megapixels, and the limit is 50\]/);
      assert.match(text, /the plan for spring/);
    }));
});
