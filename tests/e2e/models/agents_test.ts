/** Tests several agents of one bot: who answers, and what each of them knows. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

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
