/** Tests several agents of one bot: who answers, and what each of them knows. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";

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
        triggers: [{ pattern: "\\bspam\\b" }],
      },
    },
  },
};

/** Turns by agent, with their state. */
const turns = ({ rows }: Scene): readonly string[] =>
  rows("SELECT agent_id, state FROM inbox ORDER BY id").map((row) => Object.values(row).join(" "));

describe("[N1] [N2] a passive agent", () => {
  it("acts once, if the process dies between T1 and its turn", () =>
    withSimulation({ config: configOfPassive }, async (scene) => {
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
