/** Tests budgets, fallbacks and the cache of the model, as people and operators see them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startModelServer } from "../../../simulator/model/server.ts";
import { ended, STOPPED, withSimulation, writeConfig } from "../../support/bot/e2e.ts";

describe("[X4] the bot", () => {
  it("tells a person once that the budget is spent, asks no model then, and remembers it", () =>
    withSimulation(
      { config: { budgets: { perUser: { tokensPerDay: 12 } }, messages: { footer: "all" } } },
      async ({ start, say, mention, replies, written, rows, model }) => {
        const first = await start();
        say("grace", "general", `${mention} one`);
        const [reply = ""] = await replies("general", 1);
        assert.match(reply, /\n-# \S+ · 11 \+ \d+ tokens · 0 % cached · \d+\.\d s$/);
        say("grace", "general", `${mention} two`);
        assert.match((await replies("general", 2))[1] ?? "", /budget for my answers is used up/);
        say("grace", "general", `${mention} three`);
        say("ada", "general", `${mention} four`);
        assert.match((await replies("general", 3))[2] ?? "", /four/);
        first.kill("SIGTERM");
        assert.deepEqual(await ended(first), STOPPED);
        const second = await start();
        say("grace", "general", `${mention} five`);
        say("ada", "general", `${mention} six`);
        assert.match((await replies("general", 4))[3] ?? "", /budget for my answers is used up/);
        assert.equal(written("general").length, 4);
        second.kill("SIGTERM");
        assert.deepEqual(await ended(second), STOPPED);
        assert.equal(model.requests.length, 2, "a model was asked over the budget");
        const refused = rows("SELECT failure FROM inbox WHERE state = 'refused'");
        assert.deepEqual(
          refused.map(({ failure }) => failure),
          Array(4).fill("the budget budgets.perUser.tokensPerDay (12) of today is spent"),
        );
        const used = rows("SELECT kind, SUM(requests) AS n FROM usage GROUP BY kind");
        assert.deepEqual(used.map(({ kind, n }) => [kind, n]), [["answer", 2]]);
        const said = rows("SELECT text FROM entry WHERE role = 'assistant'").map(String);
        assert.ok(!said.some((text) => text.includes("-# ")), "the transcript has a footer");
      },
    ));
});

describe("[L3] the bot", () => {
  it("asks the fallback of another provider, and stores which model answered", async () => {
    const broken = await startModelServer({ behaviour: "unauthorized" });
    try {
      await withSimulation({}, async (scene) => {
        const { start, say, mention, replies, rows, model } = scene;
        writeConfig(scene, {
          models: {
            providers: {
              first: { kind: "anthropic", baseUrl: broken.baseUrl, apiKey: "sk-broken-1234567" },
              second: { kind: "google", baseUrl: model.baseUrl },
            },
          },
          agents: {
            defaults: { model: { primary: "first/a", fallbacks: ["second/barnacle-script"] } },
          },
          http: { port: 0 },
        });
        const bot = await start();
        say("grace", "general", `${mention} hello`);
        assert.match((await replies("general", 1))[0] ?? "", /hello/);
        bot.kill("SIGTERM");
        assert.deepEqual(await ended(bot), STOPPED);
        const models = rows("SELECT model FROM usage").map(({ model }) => model);
        assert.deepEqual(models, ["second/barnacle-script"]);
      });
    } finally {
      await broken.close();
    }
  });
});
