/** Tests several agents of one bot: who answers, and what each of them knows. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Ada, by the id that the simulator gives her. */
const ADA = "1456074443980800000";

const config = {
  agents: {
    list: [
      { id: "main", prompt: "You are the FIRST." },
      { id: "writer", name: "Quill", prompt: "You are the WRITER." },
    ],
  },
  router: { assignments: { writer: { channels: ["help"] } } },
};

describe("[N1] [N2] two agents of one bot", () => {
  it("answer in their channels or by name, each in sessions of its own, over a restart", () =>
    withSimulation({ config }, async (scene) => {
      const { start, say, mention, replies, rows, cli, simulator } = scene;
      const bot = await start();
      say("grace", "general", `${mention} one`);
      await replies("general", 1);
      const inHelp = say("grace", "help", `${mention} two`);
      await replies("help", 1);
      bot.kill("SIGTERM");
      await bot.exited;
      await start();
      say("grace", "general", "Quill, three?");
      await replies("general", 2);
      const routes = rows("SELECT agent_id, session_key FROM inbox ORDER BY id")
        .map((row) => Object.values(row).join(" "));
      const general = simulator.channel("general").id;
      assert.deepEqual(routes, [
        `main agent:main:discord:channel:${general}`,
        `writer agent:writer:discord:channel:${simulator.channel("help").id}`,
        `writer agent:writer:discord:channel:${general}`,
      ]);
      const why = (await cli("why", inHelp.id)).stdout.join("\n");
      assert.match(why, /"help" is assigned to the agent "writer"/);
      assert.match(why, /router\.assignments\.writer\.channels\[0\]/);
    }));
});

describe("[N1] each agent of one bot", () => {
  it("has its own model, prompt and tools, and a reload adds and removes agents", async () => {
    await using model = await startFixedModel(() => "noted");
    const beside = (list: readonly object[], assignments: object) => ({
      config: {
        agents: { defaults: { model: "openai/first" }, list },
        router: { assignments },
        messages: { agentName: true },
        commands: { ownerAllowFrom: [ADA] },
      },
    });
    const main = { id: "main", prompt: "You are the FIRST." };
    const writer = {
      id: "writer",
      name: "Quill",
      prompt: "You are the WRITER.",
      model: "openai/quill",
      tools: { deny: ["*"] },
    };
    await withSimulation({
      ...beside([main, writer], { writer: { channels: ["help"] } }),
      env: { OPENAI_BASE_URL: model.baseUrl },
      simulator: { rateLimits: false },
    }, async (scene) => {
      const { start, say, mention, replies, written, cli, eventually, simulator } = scene;
      const last = () => JSON.parse(model.bodies.at(-1) ?? "{}");
      await start();
      await registered(scene);
      say("ada", "general", `${mention} one`);
      assert.deepEqual(await replies("general", 1), ["noted"]);
      assert.deepEqual([last().model, last().tools?.length > 0], ["first", true]);
      say("ada", "help", `${mention} two`);
      assert.deepEqual(await replies("help", 1), ["noted\n-# Quill"]);
      assert.deepEqual([last().model, last().tools], ["quill", undefined]);
      const [{ content: system }] = last().messages;
      assert.match(system, /Your name is Quill[\s\S]*You are the WRITER/);
      assert.doesNotMatch(system, /FIRST/);

      const here = (name: string) => give(scene, { as: "ada", in: "#help", name, options: {} });
      assert.match(await here("status"), /`openai\/quill`[\s\S]*\nThe agent here: Quill\.\n/);
      assert.match(
        await here("model"),
        /^The agent here: Quill\.\n[\s\S]*\*\*→\*\* `openai\/quill`/,
      );
      assert.match(await here("agents"), /`main`: `openai\/first`\n`Quill`: `openai\/quill`/);
      const usage = (await cli("usage", "--by", "agent")).stdout.join("\n");
      assert.match(usage, /main[\s\S]*writer/);

      const night = { id: "night", prompt: "You are the THIRD.", model: "openai/night" };
      scene.rewrite(beside([main, night], { night: { channels: ["off-topic"] } }));
      await eventually("the third agent to answer", async () => {
        const count = written("off-topic").length + 1;
        say("ada", "off-topic", `${mention} three`);
        await replies("off-topic", count);
        return last().model === "night";
      });
      say("ada", "help", `${mention} four`);
      assert.deepEqual((await replies("help", 2))[1], "noted");
      assert.deepEqual([last().model, last().tools?.length > 0], ["first", true]);
      const { identifies, resumes } = simulator.account();
      assert.deepEqual([identifies.length, resumes.length], [1, 0]);
    });
  });
});
