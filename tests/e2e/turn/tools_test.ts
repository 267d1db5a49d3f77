/** Tests tools as people on Discord see them, and turns with tools that a crash cuts. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, KILLED, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

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

  it("[T1] tells the model and the operator that a result was cut for room", () =>
    play(async ({ say, mention, replies, model, cli, here }) => {
      const source = "Array.from({ length: 6_000 }, (_, at) => at).join(' ')";
      const call = `call: code ${JSON.stringify({ source })}`;
      const { id } = say("grace", here, `${mention}\n${call}`);
      await replies(here, 1);
      const result = model.requests.at(-1)?.messages.find(({ role }) => role === "tool");
      assert.match(result?.text ?? "", /<\/result>\n\[cut for room: you see \d+ of the \d+ char/);
      const { stdout } = await cli("why", id);
      assert.match(stdout.join("\n"), /done, \d+ characters, cut for room: the model saw \d+/);
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

describe("[D1] a turn with tools that a crash cuts", () => {
  const cases = crashPoints<[point: string, requests: number]>([
    ["after:TS", 2],
    ["before:TS:2", 4],
    ["before:T3", 4], // the last answer was not stored
  ], [
    ["before:TS", 3], // the first answer was not stored
    ["after:TS:2", 3],
    ["after:T3", 3],
  ]);
  for (const [point, requests] of cases) {
    it(`${point} › is answered once, with no more than ${requests} requests to the model`, () =>
      withSimulation({}, async (scene) => {
        const { say, mention, replies, model, start } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        const twice = point.endsWith(":2") || point.endsWith("T3");
        say("grace", "general", `${mention}\n${twice ? `${READ}\nthen\n${READ}` : READ}`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await replies("general", 1);
        assert.equal(model.requests.length, requests);
        // A second reply would come before the answer to a later question.
        say("grace", "general", `${mention} later`);
        const [first = "", second = ""] = await replies("general", 2);
        assert.match(first, /The tools returned/);
        assert.match(second, /> later/);
      }));
  }
});
