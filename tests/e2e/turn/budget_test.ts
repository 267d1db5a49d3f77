/** Tests budgets, fallbacks and the cache of the model, as people and operators see them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelBehaviour } from "../../../simulator/model/server.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { API_KEY, type Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

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
