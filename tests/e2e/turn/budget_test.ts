/** Tests budgets, fallbacks and the cache of the model, as people and operators see them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ModelBehaviour } from "../../../simulator/model/server.ts";
import { DEFAULT_RATE_LIMITS } from "../../../simulator/rest/rate_limits.ts";
import type { Message } from "../../../simulator/world/world.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { API_KEY, type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { registered } from "../../support/bot/slash.ts";

describe("[X4] the bot", () => {
  it("tells a person once that the budget is spent, asks no model then, and remembers it", () =>
    withSimulation(
      { config: { budgets: { perUser: { tokensPerDay: 12 } }, messages: { footer: "all" } } },
      async (scene) => {
        const { start, say, mention, replies, written, rows, model, until, simulator } = scene;
        const isMarked = (message: Message) => until("a mark", () => message.reactions.has("🚫"));
        const first = await start();
        say("grace", "general", `${mention} one`);
        const [reply = ""] = await replies("general", 1);
        assert.match(reply, /\n-# \S+ · 11 \+ \d+ tokens · 0 % cached · \d+\.\d s$/);
        say("grace", "general", `${mention} two`);
        assert.match((await replies("general", 2))[1] ?? "", /budget for my answers is used up/);
        const third = say("grace", "general", `${mention} three`);
        say("ada", "general", `${mention} four`);
        assert.match((await replies("general", 3))[2] ?? "", /four/);
        await isMarked(third);
        await stopBot(first);
        await sleep(DEFAULT_RATE_LIMITS.reaction.windowMs); // the next process knows of no mark before
        const second = await start();
        const fifth = say("grace", "general", `${mention} five`);
        say("ada", "general", `${mention} six`);
        assert.match((await replies("general", 4))[3] ?? "", /budget for my answers is used up/);
        await isMarked(fifth);
        assert.equal(written("general").length, 4);
        await registered(scene);
        simulator.command({ as: "grace", in: "help", name: "Ask Barnacle", target: fifth });
        const [told = ""] = await replies("help", 1);
        assert.match(told, /budget for my answers is used up/, "no mark can reach the question");
        await stopBot(second);
        assert.equal(model.requests.length, 2, "a model was asked over the budget");
        const refused = rows("SELECT failure FROM inbox WHERE state = 'refused'");
        assert.deepEqual(
          refused.map(({ failure }) => failure),
          Array(5).fill("the budget budgets.perUser.tokensPerDay (12) of today is spent"),
        );
        const used = rows("SELECT kind, SUM(requests) AS n FROM usage GROUP BY kind");
        assert.deepEqual(used.map(({ kind, n }) => [kind, n]), [["answer", 2]]);
        const said = rows(
          "SELECT parts ->> '$[0].text' AS text FROM entry WHERE role = 'assistant'",
        )
          .map(({ text }) => String(text));
        assert.equal(said.length, 2);
        assert.ok(!said.some((text) => text.includes("-# ")), "the transcript has a footer");
      },
    ));
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

  it("[L3] shows in health if it is an answer of another server, an unknown model, a spent credit or a redirect", () =>
    play(async ({ say, mention, model, eventually, status, here }, bot) => {
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
        await eventually("health with the model", async () => (await health())?.status === "pass");
      }
    }));

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
