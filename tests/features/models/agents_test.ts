/** Tests several agents of one bot: who answers, and what each of them knows. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

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
    withSimulation({ config }, async ({ start, say, mention, replies, rows, cli, simulator }) => {
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

const configOfPassive = {
  agents: {
    list: [
      { id: "main", prompt: "You are the FIRST." },
      { id: "watcher", prompt: "You are the WATCHER." },
    ],
  },
  router: {
    assignments: {
      watcher: {
        role: "passive",
        channels: ["general"],
        triggers: [{ pattern: "\\bspam\\b" }, { command: "standup" }, { reaction: "👀" }],
      },
    },
  },
};

const said = async (play: (scene: Scene, asked: readonly string[]) => Promise<void>) => {
  await using model = await startFixedModel((_, { system }) =>
    system.includes("WATCHER") ? "I watch" : "I answer"
  );
  await withSimulation(
    { config: configOfPassive, env: { OPENAI_BASE_URL: model.baseUrl } },
    (scene) => play(scene, model.bodies),
  );
};

/** Turns by agent, with their state. */
const turns = ({ rows }: Scene): readonly string[] =>
  rows("SELECT agent_id, state FROM inbox ORDER BY id").map((row) => Object.values(row).join(" "));

describe("[N1] [N2] a passive agent", () => {
  it("acts on its triggers, and is silent where an active one answers", () =>
    said(async (scene, bodies) => {
      const { start, say, mention, replies, written, cli, until, simulator } = scene;
      await start();
      say("grace", "general", `${mention} do you like rain?`);
      await replies("general", 1);
      say("grace", "general", "the weather is fine");
      const matched = say("ada", "general", "SPAM again");
      assert.deepEqual((await replies("general", 2))[1], "I watch");
      assert.match(bodies[1] ?? "", /do you like rain[\s\S]*the weather is fine/);
      assert.match(bodies[1] ?? "", /a pattern that you watch for is in this message/);

      say("grace", "general", "/standup for today");
      assert.deepEqual((await replies("general", 3))[2], "I watch");

      const answered = say("grace", "general", `${mention} is this spam?`);
      assert.deepEqual((await replies("general", 4))[3], "I answer");
      await until("both turns", () => turns(scene).length === 5 && bodies.length === 5);
      await scene.eventually("the silent turn", () =>
        Promise.resolve(
          turns(scene).join() === [
            "main answered",
            "watcher answered",
            "watcher answered",
            "main answered",
            "watcher answered",
          ].join(),
        ));
      say("grace", "help", "spam in a channel that it does not watch");
      say("grace", "general", "nothing here");
      assert.equal(written("general").length, 4);
      const { id } = simulator.channel("general");
      const [{ session_key: session } = {}] = scene.rows(
        "SELECT DISTINCT session_key FROM inbox WHERE agent_id = 'watcher'",
      );
      assert.equal(session, `agent:watcher:discord:channel:${id}`);

      const why = async (message: { readonly id: string }) =>
        (await cli("why", message.id)).stdout.join("\n");
      assert.match(
        await why(matched),
        /Passive agents:\s+watcher: pattern of[\s\S]*triggers\[0\]; posts; answered/,
      );
      assert.match(await why(answered), /watcher: pattern[\s\S]*its text\s+is\s+not\s+posted/);
    }));

  it("acts once, if the process dies between T1 and its turn", () =>
    said(async (scene) => {
      const { start, say, replies } = scene;
      for (const [at, point] of ["before:T1", "after:T1", "before:T3"].entries()) {
        const dying = await start({ BARNACLE_CRASH_AT: point });
        say("ada", "general", `spam ${at}`);
        assert.deepEqual(await ended(dying), KILLED);
        const bot = await start();
        await replies("general", at + 1);
        bot.kill("SIGTERM");
        await bot.exited;
        assert.deepEqual(turns(scene), Array(at + 1).fill("watcher answered"));
      }
    }));
});
