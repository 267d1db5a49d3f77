/** Tests sessions whose transcript no longer fits into the model's window, or begins anew. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  configOf,
  killBot,
  type Scene,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";

/** Starts a bot whose model has a small window, by the config. */
function startSmall(scene: Scene) {
  const { simulator, model, start } = scene;
  const models = { "barnacle-script": { contextWindow: 16_384 } };
  const small = { kind: "openai-compatible", baseUrl: model.baseUrl, models };
  writeConfig(scene, {
    ...configOf(simulator, { discord: () => ({ historyLimit: 0 }) }),
    models: { providers: { small } },
    agents: { defaults: { model: "small/barnacle-script" } },
  });
  return start();
}

/** Long enough that a few of these fill the window of a model that does not tell its own. */
const LONG = "The tide comes in and goes out again. ".repeat(80);
const asksForSummary = (system: string) => system.startsWith("You shorten the transcript");
const isSummary = ({ system }: { readonly system: string }) => asksForSummary(system);
const ANSWERED = "SELECT COUNT(*) AS n FROM inbox WHERE state = 'answered'";
const COUNT = "SELECT COUNT(*) AS n FROM checkpoint";
const FOLDED_TWICE = "SELECT COUNT(*) AS n FROM checkpoint AS one JOIN checkpoint AS other " +
  "ON one.id < other.id AND one.last_entry >= other.first_entry";

describe("[L4] a session that outgrows the model's window", () => {
  it("is folded into a summary, which later turns see, and loses no entry", () =>
    withSimulation(
      { discord: () => ({ historyLimit: 0 }) },
      async ({ start, say, mention, replies, model, rows, cli, until }) => {
        await start();
        say("grace", "general", `${mention} The word is barnacle. https://example.org/word`);
        await replies("general", 1);
        let at = 1;
        while (!model.requests.some(isSummary)) {
          assert.ok(++at < 60, "the session was never folded");
          const { id } = say("grace", "general", `${mention} ${at} ${LONG}`);
          await replies("general", at);
          if (!model.requests.some(isSummary)) continue;
          await until("the summary", () => rows(COUNT)[0]?.["n"] === 1);
          const { stdout } = await cli("why", id);
          assert.match(stdout.join("\n"), /folded/);
        }
        say("grace", "general", `${mention} ${++at}`);
        await replies("general", at);
        const summaries = model.requests.filter(isSummary);
        assert.ok(summaries.length > 0);
        assert.match(summaries[0]?.messages[0]?.text ?? "", /The word is barnacle/);
        const last = model.requests.at(-1)?.messages[0]?.text ?? "";
        assert.match(last, /^\[summary of the earlier conversation/);
        assert.match(last, /<summary boundary="\w{12}">/);
        assert.match(last, /https:\/\/example\.org\/word/);
        const entries = "SELECT COUNT(*) AS n FROM entry WHERE role = 'user'";
        await until("the table of entries", () => rows(entries)[0]?.["n"] === at);
      },
    ));

  it("[D1] is folded once if the process dies before the summary is stored", () =>
    withSimulation(
      {},
      async (scene) => {
        const { start, say, mention, replies, model, rows, until } = scene;
        const dying = await startSmall(scene);
        model.behave("hang", 1, asksForSummary);
        let at = 0;
        while (!model.requests.some(isSummary)) {
          at++;
          assert.ok(at < 60, "the session was never folded");
          say("grace", "general", `${mention} ${at} ${LONG}`);
          await until(
            "an answer or a request for a summary",
            () => model.requests.some(isSummary) || rows(ANSWERED)[0]?.["n"] === at,
          );
        }
        await killBot(dying);
        assert.equal(rows(COUNT)[0]?.["n"], 0);
        await start();
        await replies("general", at);
        for (; rows(COUNT)[0]?.["n"] === 0; at++) {
          assert.ok(at < 90, "the session was not folded after the restart");
          say("grace", "general", `${mention} once more ${LONG}`);
          await replies("general", at + 1);
        }
        assert.ok(model.requests.filter(isSummary).length > 1, "the first one was lost");
        assert.equal(rows(FOLDED_TWICE)[0]?.["n"], 0);
      },
    ));
});
