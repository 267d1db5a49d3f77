/** Tests the tool policy: one bot, and senders with and without a tool. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const READ = 'call: read_channel_history {"limit":5}';
const TOOL = "read_channel_history";

/** Grace is a helper, Ada is not. In #help, no one has the tool. */
const rules = (simulator: Simulator) => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    guilds: {
      [krill.id]: {
        toolsBySender: { "role:helpers": { alsoAllow: [TOOL] } },
        channels: { general: {}, help: { tools: { deny: ["group:discord"] } } },
      },
    },
  };
};

describe("[T2] the tool policy", () => {
  const play = sharedBot({});

  it("closes a tool with its gate, from the next turn after a reload on", () =>
    play(async (scene, bot) => {
      const { say, mention, replies, model, here } = scene;
      const offered = () => model.requests.at(-1)?.tools ?? [];
      say("grace", here, `${mention} one`);
      await replies(here, 1);
      assert.ok(offered().includes(TOOL));
      scene.rewrite({ discord: () => ({ actions: { messages: false } }) });
      await scene.line(bot, /The config applies/);
      say("grace", here, `${mention} two`);
      await replies(here, 2);
      assert.ok(offered().length > 0 && !offered().includes(TOOL), String(offered()));
    }));

  it("[T2b] runs the tools of a turn's sender in its place", () =>
    play(async ({ say, mention, replies, model }) => {
      const offered = () => model.requests.at(-1)?.tools ?? [];

      say("grace", "general", `${mention}\n${READ}`);
      assert.match((await replies("general", 1))[0] ?? "", /The tools returned/);
      assert.deepEqual(offered(), [TOOL], "her role adds it");

      say("ada", "general", `${mention}\n${READ}`);
      assert.doesNotMatch((await replies("general", 2))[1] ?? "", /"from":/);
      assert.deepEqual(offered(), [TOOL], "her model sees it (T2b), and her call fails");

      say("grace", "help", `${mention}\n${READ}`);
      assert.doesNotMatch((await replies("help", 1))[0] ?? "", /"from":/);
      assert.deepEqual(offered(), [], "the deny of the channel wins");
      // Anthropic refuses calls in a conversation without tools.
      assert.equal(model.requests.at(-1)?.hasTools, false, "neither do earlier turns");
    }, { discord: rules, config: { tools: { allow: [] } } }));
});
