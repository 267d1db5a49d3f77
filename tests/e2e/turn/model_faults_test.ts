/**
 * Tests each known failure of real models.
 *
 * The asker reads one line with an id, the log has the reason under the same id, and the next
 * message is answered normally.
 */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import type { ModelBehaviour } from "../../../simulator/model/server.ts";
import { API_KEY, type Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

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

  it("[L3] shows in health if it is an answer of another server, an unknown model, a spent credit or a redirect", () =>
    play(async (scene, bot) => {
      const { say, mention, model, eventually, status, here } = scene;
      const health = async () => {
        const { findings } = await status(bot);
        return findings.find(({ id }) => id === "llm:openai/barnacle-script");
      };
      for (
        const behaviour of ["html", "not_found", "quota", "redirect"] as const
      ) {
        model.behave(behaviour);
        say("grace", here, `${mention} question`);
        await eventually("health without the model", async () => {
          const check = await health();
          return check?.status !== "pass" && check?.isReady === false;
        });
        model.behave("script");
        say("grace", here, `${mention} again`);
        await eventually(
          "health with the model",
          async () => (await health())?.status === "pass",
        );
      }
    }));

  it("is reported in one line with an id, and the bot continues, whatever the fault", () =>
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

  it("[L3] gets the request again if its answer breaks off before a person has seen it", () =>
    play(async ({ say, mention, replies, model, simulator, here }) => {
      for (const [index, behaviour] of (["cut", "ends_early"] as const).entries()) {
        model.behave(behaviour, 1);
        say("grace", here, `${mention} q${index}`);
        const replied = await replies(here, index + 1);
        assert.match(replied[index] ?? "", new RegExp(`q${index}`), behaviour);
        assert.equal(simulator.posted(here).length, index + 1);
      }
    }));

  it("names the finished calls if the model stays silent after a tool, and remembers them", () =>
    play(async ({ say, mention, replies, model, here }) => {
      model.behave("wordless");
      const call = 'call: code {"source":"6*7"}';
      say("grace", here, `${mention}\n${call}`);
      const [notice = ""] = await replies(here, 1);
      assert.match(notice, WRONG);
      assert.match(notice, /\nThis I had done before: `code`\.$/);
      const last = model.requests.at(-1)?.messages.at(-1)?.text ?? "";
      assert.match(last, /Your last answer had no text/);
      model.behave("script");
      say("grace", here, `${mention} and now?`);
      await replies(here, 2);
      const texts = model.requests.at(-1)?.messages.map(({ text }) => text).join("\n") ?? "";
      assert.match(texts, /This I had done before: `code`/);
    }));

  it("[L4] [TS] runs no tool again if the request with its result is too long", async () => {
    let searches = 0;
    let onSearch = () => {};
    const results = [{ url: "https://a.example/", title: "Plankton", content: "It drifts." }];
    const engine = createServer((_, response) => {
      searches += 1;
      if (searches === 1) onSearch();
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ results }));
    });
    await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
    const { port } = engine.address() as AddressInfo;
    const config = {
      commands: { ownerAllowFrom: ["grace"] },
      search: { kind: "searxng", url: `http://127.0.0.1:${port}` },
    };
    try {
      await play(async ({ say, mention, replies, model, here }) => {
        onSearch = () => model.behave("too_long", 1);
        say("grace", here, `${mention}\ncall: web_search {"query":"tides"}`);
        const [reply = ""] = await replies(here, 1);
        assert.match(reply, /Plankton/);
        assert.equal(searches, 1);
      }, { config });
    } finally {
      engine.close();
    }
  });

  it("[R6] marks an answer that reached the model's maximum length", () =>
    play(async ({ say, mention, replies, model, cli, here }) => {
      model.behave("length", 1);
      const { id } = say("grace", here, `${mention} tell me all`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /^Well,\s*\n-# My answer stops here: it reached the maximum length/);
      const { stdout } = await cli("why", id);
      assert.match(stdout.join("\n"), /reason: cut: [^]*next step: raise maxOutput/);
      say("grace", here, `${mention} go on`);
      await replies(here, 2);
      const said = model.requests.at(-1)?.messages.find(({ role }) => role === "assistant");
      assert.equal(said?.text, "Well,");
      model.behave("ends_early", 2);
      say("grace", here, `${mention} once more`);
      assert.match((await replies(here, 3))[2] ?? "", /\n-# My answer stops here: .* it broke off/);
    }));

  it("runs no call of two with one id, and the model learns why", () =>
    play(async ({ say, mention, replies, model, here }) => {
      model.behave("one_call_id");
      say("grace", here, `${mention} tides?`);
      const [reply = ""] = await replies(here, 1);
      assert.equal(reply.match(/two calls of your answer had the same id/g)?.length, 2);
    }));

  it("is abandoned after turnTimeoutSec", () =>
    play(async (scene, bot) => {
      const { reason, notice } = await judgeFailure(scene, bot, "hang");
      assert.match(reason, /no answer within 5 s/);
      assert.match(notice, /^My model took too long to answer\./);
    }, { config: { agents: { turnTimeoutSec: 5 } } }));

  it("may be unreachable", () =>
    play(async ({ say, mention, replies, here }, bot) => {
      const failed = () => bot.lines.filter((line) => /"A turn failed"/.test(line)).length;
      const before = failed();
      say("grace", here, `${mention} anybody?`);
      assert.match((await replies(here, 1))[0] ?? "", NOTICE);
      assert.ok(failed() > before);
    }, {
      config: {
        models: {
          providers: { gone: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1" } },
        },
        agents: { defaults: { model: "gone/away" } },
      },
    }));
});
