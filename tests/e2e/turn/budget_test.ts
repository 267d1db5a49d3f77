/** Tests budgets, fallbacks and the cache of the model, as people and operators see them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startModelServer } from "../../../simulator/model/server.ts";
import { DEFAULT_RATE_LIMITS } from "../../../simulator/rest/rate_limits.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { registered } from "../../support/bot/slash.ts";

describe("[X4] the bot", () => {
  const play = sharedBot({});

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

  it("[O1] shows a spent budget of all people in status and usage", () =>
    play(async ({ say, mention, replies, cli, eventually, here }) => {
      say("grace", here, `${mention} one`);
      await replies(here, 1);
      await eventually("health to warn", async () => {
        const shown = (await cli("status")).stdout.join("\n");
        return /^Works, with warnings.*\n +Budget +budgets\.total\.tokensPerDay: .*, spent\n/
          .test(shown) &&
          /^warn +Budget +budgets\.total\.tokensPerDay: spent: \d+ of 5 tokens/m.test(shown);
      });
      const usage = (await cli("usage")).stdout.join("\n");
      assert.match(usage, /^Limit budgets\.total\.tokensPerDay: \d+ of 5 tokens today, spent$/m);
    }, { config: { budgets: { total: { tokensPerDay: 5 } } } }));

  it("[R15] never shows the model a footer: in a quote, at a reaction, and by a tool", () =>
    play(async ({ say, mention, replies, model, simulator, until, rows, here }) => {
      say("grace", here, `${mention} one`);
      await replies(here, 1);
      const answer = simulator.posted(here).at(-1);
      assert.match(answer?.content ?? "", / tokens · /);
      simulator.react({ as: "ada", in: here, message: answer?.id ?? "", emoji: "👍" });
      await until("the reaction", () => rows("SELECT 1 FROM reaction").length > 0);
      say(
        "grace",
        here,
        `${mention} two\ncall: read_channel_history {"limit":9}`,
        answer?.id,
      );
      await replies(here, 2);
      const seen = model.requests.map(({ body }) => body).join("\n");
      assert.match(seen, /in reply to: Barnacle/);
      assert.match(seen, /message_begins/);
      assert.match(seen, /from.{1,6}you/);
      assert.doesNotMatch(seen, / tokens · /);
    }, { config: { messages: { footer: "all" } } }));

  const spent = { tokensPerDay: 12 }; // less than two answers

  it("gives a member with a role that role's budget, in place of the user's", () =>
    play(async (scene) => {
      const { say, mention, replies, here } = scene;
      for (const count of [1, 2, 3]) {
        say("grace", here, `${mention} question ${count}`);
        assert.match((await replies(here, count)).at(-1) ?? "", /question/);
      }
      say("ada", "help", `${mention} one`);
      await replies("help", 1);
      say("ada", "help", `${mention} two`);
      assert.match((await replies("help", 2))[1] ?? "", /budget for my answers is used up/);
    }, ({ simulator, user }) => {
      const members = [...simulator.world.guilds.values()].flatMap(({ members }) =>
        members.get(user("grace").id) ?? []
      );
      const role = members.flatMap(({ roles }) => [...roles])[0];
      assert.ok(role !== undefined, "grace has no role");
      return {
        config: { budgets: { perUser: spent, perRole: { [role]: { tokensPerDay: 1_000 } } } },
      };
    }));

  const scopes: readonly [key: string, stopsDms: boolean][] = [
    ["perGuild", false],
    ["perAgent", true],
    ["total", true],
  ];
  for (const [key, stopsDms] of scopes) {
    it(`stops all people by a spent budgets.${key}`, () =>
      withSimulation(
        { config: { budgets: { [key]: spent } } },
        async ({ start, say, mention, replies, eventually, rows, model }) => {
          await start();
          say("grace", "general", `${mention} one`);
          await replies("general", 1);
          say("ada", "help", `${mention} two`);
          assert.match((await replies("help", 1))[0] ?? "", /budget for my answers is used up/);
          say("ada", "dm", "three");
          const [direct = ""] = stopsDms ? [] : await replies("dm", 1, "ada");
          if (!stopsDms) assert.match(direct, /three/);
          const why = `the budget budgets.${key}.tokensPerDay (12) of today is spent`;
          const refused = () => rows("SELECT failure FROM inbox WHERE state = 'refused'");
          const count = stopsDms ? 2 : 1;
          await eventually(
            "the refusals",
            () => Promise.resolve(refused().length === count),
          );
          assert.ok(refused().every(({ failure }) => failure === why));
          assert.equal(model.requests.length, stopsDms ? 1 : 2);
        },
      ));
  }

  describe("[L3] the bot", () => {
    it("asks the fallback of another provider, and stores which model answered", async () => {
      const broken = await startModelServer({ behaviour: "unauthorized" });
      try {
        await play(async ({ say, mention, replies, rows, eventually, here }) => {
          const { channelId } = say("grace", here, `${mention} hello`);
          assert.match((await replies(here, 1))[0] ?? "", /hello/);
          const models = () =>
            rows(`SELECT model FROM usage WHERE channel_id = '${channelId}'`).map(({ model }) =>
              model
            );
          await eventually("the count", () => Promise.resolve(models().length > 0));
          assert.deepEqual(models(), ["second/barnacle-script"]);
        }, ({ model }) => ({
          config: {
            models: {
              providers: {
                first: { kind: "anthropic", baseUrl: broken.baseUrl, apiKey: "sk-broken-1234567" },
                second: { kind: "google", baseUrl: model.baseUrl },
              },
            },
            agents: {
              defaults: { model: { primary: "first/a", fallbacks: ["second/barnacle-script"] } },
            },
          },
        }));
      } finally {
        await broken.close();
      }
    });
  });
});
