/** Tests answers over a crash, of a forgotten person, and of a failing model. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { API_KEY, ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { pdf, png } from "../../support/files/samples.ts";
import { type SaidCalls, startFixedModel } from "../../support/model/fixed_model.ts";
import type { ModelBehaviour } from "../../../simulator/model/server.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";

const HERE = { discord: () => ({ historyLimit: 0 }) };

describe("sessions and people", () => {
  const play = sharedBot(HERE);

  describe("[X5] a person", () => {
    it("is forgotten beside the running bot, which goes on", () =>
      play(async ({ say, mention, replies, cli, dataDir, user, here }) => {
        const { id: asked } = say("grace", here, `${mention} My canary sings.`);
        await replies(here, 1);
        say("ada", here, `${mention} Good morning.`);
        await replies(here, 2);
        const { id } = user("grace");
        const media = join(dataDir, "media", asked);
        mkdirSync(media, { recursive: true });
        writeFileSync(join(media, `${id}-1400000000000000077.txt`), "Her canary sings.");
        const { code, stdout, stderr } = await cli("forget", id, "--yes");
        assert.equal(code, 0, stderr.join("\n"));
        assert.match(stdout[0] ?? "", /^Forgot user/);
        assert.ok(!existsSync(media), "her files, and the folder with the id of her message");
        for (const file of readdirSync(dataDir).filter((name) => name.startsWith(DATABASE_NAME))) {
          const bytes = readFileSync(join(dataDir, file), "latin1");
          // The model's own answer repeats her words, and stays.
          assert.ok(!bytes.includes(id), file);
          assert.ok(!/\bgrace\b/i.test(bytes), file);
        }
        say("ada", here, `${mention} Still there?`);
        assert.match((await replies(here, 3))[2] ?? "", /Still there/);
      }));
  });
});

const CALL: SaidCalls = {
  calls: [{ id: "call_1", name: "read_channel_history", arguments: '{"limit":1}' }],
};

const FILES = {
  "report.pdf": pdf(["The krill harvest grew by 12 percent."]),
  "krill.png": png(8, 8),
};

/** Sends files with a message to the bot. */
function send({ simulator, mention }: Scene, text: string): void {
  simulator.say({
    as: "grace",
    in: "general",
    text: `${mention} ${text}`,
    attachments: Object.entries(FILES).map(([filename, bytes]) => ({
      filename,
      bytes,
      sizeBytes: bytes.length,
    })),
  });
}

/** A message of a request in OpenAI's format. */
interface Sent {
  readonly role: string;
  readonly text: string;
  readonly images: number;
}

function messagesOf(body = "{}"): readonly Sent[] {
  const { messages = [] }: {
    readonly messages?: readonly {
      readonly role: string;
      readonly content?: string | readonly { readonly type: string; readonly text?: string }[];
    }[];
  } = JSON.parse(body);
  return messages.map(({ role, content = "" }) => {
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content ?? [];
    return {
      role,
      text: parts.map(({ text = "" }) => text).join("\n"),
      images: parts.filter(({ type }) => type === "image_url").length,
    };
  });
}

describe("[S5] [H7] messages that join a running turn", () => {
  for (const point of [undefined, "after:TS:2"]) {
    it(`have their files and images read${point ? `, also after a crash at ${point}` : ""}`, async () => {
      const held = Promise.withResolvers<SaidCalls>();
      await using model = await startFixedModel((_asked, { messages }) => {
        const newest = messages.findLast(({ role }) => role === "user")?.text ?? "";
        if (newest.includes("what do you see now")) return "the same";
        return messages.some(({ role }) => role === "tool") ? "seen" : held.promise;
      });
      await withSimulation({
        env: { OPENAI_BASE_URL: model.baseUrl },
        config: { messages: { queue: { mode: "steer" } } },
      }, async (scene) => {
        const { say, mention, replies, start, until, rows, eventually } = scene;
        const bot = await start(point === undefined ? {} : { BARNACLE_CRASH_AT: point });
        say("grace", "general", `${mention} look at this:`);
        await until("the request", () => model.requests.length > 0);
        send(scene, "here it is");
        await eventually(
          "the second message",
          () => Promise.resolve(rows("SELECT 1 FROM inbox").length === 2),
        );
        held.resolve(CALL);
        if (point !== undefined) {
          assert.deepEqual(await ended(bot), KILLED);
          await start();
        }
        assert.deepEqual(await replies("general", 1), ["seen"]);
        const [first, ...rest] = messagesOf(model.bodies.at(-1))
          .filter(({ role }) => role !== "system");
        assert.match(first?.text ?? "", /look at this:/);
        assert.equal(first?.images, 0);
        assert.deepEqual(rest.map(({ role }) => role), ["assistant", "tool", "assistant", "user"]);
        const joined = rest.at(-1);
        assert.match(joined?.text ?? "", /here it is/);
        assert.match(joined?.text ?? "", /: PDF\][^]*The krill harvest grew by 12 percent\./);
        assert.equal(joined?.images, 1);
        await eventually(
          "both answers",
          () => Promise.resolve(rows("SELECT 1 FROM inbox WHERE state <> 'answered'").length === 0),
        );

        say("grace", "general", `${mention} what do you see now?`);
        await replies("general", 2);
        const later = messagesOf(model.bodies.at(-1)).find(({ text }) => /here it is/.test(text));
        assert.match(later?.text ?? "", /The krill harvest/);
        assert.equal(later?.images, 1);
      });
    });
  }
});

/**
 * Tests each known failure of real models.
 *
 * The asker reads one line with an id, the log has the reason under the same id, and the next
 * message is answered normally.
 */

const NOTICE = /Error ID[a-z ]*: `([0-9a-f]{12})`$/;

/** Reads the failure line, and finds its id in the log. */
async function judgeFailure(scene: Scene, bot: SimulatedProcess, behaviour: ModelBehaviour) {
  const { say, mention, replies, simulator, written, model, here } = scene;
  const before = written(here).length;
  model.behave(behaviour);
  say("grace", here, `${mention} q1`);
  const notice = (await replies(here, before + 1)).at(-1) ?? "";
  const id = NOTICE.exec(notice)?.[1];
  assert.ok(id, `no line with an id: ${notice}`);
  model.behave("script");
  say("grace", here, `${mention} q2`);
  const reply = (await replies(here, before + 2)).at(-1) ?? "";
  assert.match(reply, /q2/);
  assert.equal(simulator.posted(here).length, before + 2);
  const lines = bot.lines.filter((line) => line.includes(id));
  assert.equal(lines.length, 1);
  const { level, fields } = JSON.parse(lines[0] ?? "");
  assert.equal(level, "error");
  assert.equal(fields.failureId, id);
  return { reason: String(fields.reason), fix: String(fields.fix), notice };
}

const WRONG = /^Sorry, something went wrong and I couldn't answer\./;
const BUSY = /^My model is overloaded or unreachable at the moment\./;
const FAILED = /^The server of my model failed at this\./;
const faults: readonly [ModelBehaviour, reason: RegExp, told: RegExp][] = [
  ["html", /web_page/, /^I can't answer: I don't find my model at its address/],
  ["garbage", /not_an_answer/, WRONG],
  ["cut", /server_error/, FAILED],
  ["empty", /not_an_answer/, WRONG],
  ["server_error", /server_error/, FAILED],
  ["overloaded", /unavailable/, BUSY],
  ["drop", /unreachable|unavailable/, BUSY],
  ["unauthorized", /unauthorized/, /^I can't answer: my model's server refuses my key/],
  ["quota", /^quota: /, /^I can't answer: the credit for my model is used up/],
  ["too_long", /^context_length: /, /^This is more than my model can read at once\./],
];

describe("[R11] a failing model", () => {
  const play = sharedBot({});

  it("is reported in one line with an id, and the bot continues, after each fault", () =>
    play(async (scene, bot) => {
      const failures: string[] = [];
      for (const [behaviour, expected, told] of faults) {
        const { reason, fix, notice } = await judgeFailure(scene, bot, behaviour);
        assert.match(reason, expected, behaviour);
        assert.match(notice, told, behaviour);
        assert.doesNotMatch(notice, new RegExp(API_KEY));
        failures.push(reason);
        if (behaviour !== "quota") continue;
        const { stdout } = await scene.cli("why", NOTICE.exec(notice)?.[1] ?? "");
        assert.ok(stdout.join("\n").includes(`next step: ${fix}`), stdout.join("\n"));
      }
      const kept = scene.rows("SELECT failure FROM inbox WHERE state = 'failed' ORDER BY rowid");
      assert.deepEqual(kept.slice(-failures.length).map(({ failure }) => failure), failures);
    }));
});
