/** Tests budgets, fallbacks and the cache of the model, as people and operators see them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_RATE_LIMITS } from "../../../simulator/rest/rate_limits.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { registered } from "../../support/bot/slash.ts";

describe("[X4] the bot", () => {
  it("tells a person once that the budget is spent, asks no model then, and remembers it", () =>
    withSimulation(
      {
        config: { budgets: { perUser: { tokensPerDay: 12 } }, messages: { footer: "all" } },
      },
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
