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

  it("[H4] fences what it read, and keeps it as a result in the transcript", () =>
    play(async ({ say, mention, replies, model, rows, here, simulator }) => {
      say("grace", here, `${mention}\n${READ}`);
      await replies(here, 1);
      const results = model.requests.at(-1)?.messages.filter(({ role }) => role === "tool") ?? [];
      assert.equal(results.length, 1);
      assert.match(results[0]?.text ?? "", /^<result boundary="\w{12}">\n[^]*\n<\/result>$/);
      const roles = rows(
        `SELECT role FROM entry WHERE session_key LIKE '%${
          simulator.channel(here).id
        }%' ORDER BY id`,
      ).map(({ role }) => role);
      assert.deepEqual(roles, ["user", "assistant", "tool", "assistant"]);
    }));

  it("[L4] remembers the conversation after a long result", () =>
    play(async ({ say, mention, replies, model, here }) => {
      for (let at = 0; at < 6; at++) say("ada", here, "very long words ".repeat(120));
      say("grace", here, `${mention} Remember the number 42.`);
      await replies(here, 1);
      say("grace", here, `${mention}\n${READ}`);
      await replies(here, 2);
      say("grace", here, `${mention} Which number?`);
      await replies(here, 3);
      const seen = model.requests.at(-1)?.messages ?? [];
      assert.ok(seen.some(({ text }) => text.includes("Remember the number 42.")));
      assert.ok(seen.some(({ role, text }) => role === "tool" && /very long/.test(text)));
    }, {
      discord: () => ({ historyLimit: 0 }),
      // Descriptions of all tools take half of the smallest window, and this is about results.
      config: { tools: { allow: ["read_channel_history"] } },
    }));

  it("reads another channel for its asker, and no later turn sees the result", () =>
    play(async ({ simulator, say, mention, replies, model, here }) => {
      say("ada", "help", "The budget is ten shells.");
      const channelId = String(simulator.channel("help").id);
      const call = `call: read_channel_history ${JSON.stringify({ channelId })}`;
      say("grace", here, `${mention}\n${call}`);
      assert.match((await replies(here, 1))[0] ?? "", /ten shells/);
      say("ada", here, `${mention} and now?`);
      await replies(here, 2);
      const results = model.requests.at(-1)?.messages.filter(({ role }) => role === "tool") ?? [];
      assert.deepEqual(results.map(({ text }) => text), [
        "[not kept: it was for the person who asked]",
      ]);
    }));

  it("[T5] reads no channel that the asker may not see, or that the policy closes", () =>
    play(async ({ simulator, say, mention, replies, here }) => {
      say("ada", "off-topic", "The budget is ten shells.");
      const channelId = String(simulator.channel("off-topic").id);
      const call = `call: read_channel_history ${JSON.stringify({ channelId })}`;
      say("grace", here, `${mention}\n${call}`);
      assert.match((await replies(here, 1))[0] ?? "", /access rules of the bot close/);
      simulator.permit({ in: "off-topic", to: "grace", what: "viewChannel", as: "denied" });
      say("grace", here, `${mention}\n${call}`);
      assert.match((await replies(here, 2))[1] ?? "", /lack the permission View Channel/);
    }));

  it("summarises a long history in requests that count as summaries", () =>
    play(async ({ say, mention, replies, rows, model, simulator, until, here }) => {
      for (let at = 0; at < 12; at++) say("ada", here, `${at} ${"waves ".repeat(200)}`);
      say("grace", here, `${mention}\ncall: read_channel_history {"question":"Why?"}`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /summary of 12 messages, from \d+ to \d+/);
      const asked = model.requests.filter(({ system }) =>
        /an assistant can answer a person/.test(system ?? "")
      );
      assert.ok(asked.length > 0);
      assert.match(asked[0]?.messages[0]?.text ?? "", /<message [^]*Why\?/);
      const counted = () =>
        rows(
          `SELECT sum(requests) AS n FROM usage
 WHERE kind = 'summary' AND channel_id = '${simulator.channel(here).id}'`,
        )[0]?.["n"];
      await until("the summaries to be counted", () => counted() === asked.length);
    }, { discord: () => ({ historyLimit: 0 }) }));

  it("[T4] reads no history for a person who may not read it", () =>
    play(async ({ simulator, say, mention, replies, here }) => {
      say("ada", here, "The tide is high at noon.");
      simulator.permit({
        in: here,
        to: "grace",
        what: "readMessageHistory",
        as: "denied",
      });
      say("grace", here, `${mention}\n${READ}`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /lack the permission Read Message History/);
      assert.doesNotMatch(reply, /high at noon/);
    }));

  it("tells the model about a tool that does not exist, and answers", () =>
    play(async ({ say, mention, replies, here }) => {
      say("grace", here, `${mention}\ncall: set_sail {}`);
      assert.match((await replies(here, 1))[0] ?? "", /there is no tool "set_sail" here/);
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
