/** Tests the commands that change settings: their effect, and that it outlives a restart. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { give, isEarly, registered } from "../../support/bot/slash.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };

describe("[K2] /think", () => {
  it("reaches the model of that conversation, from the menu and as a text, after a restart", async () => {
    await using model = await startFixedModel(() => "thought");
    await withSimulation({
      mayRefuse: isEarly,
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, start } = scene;
      const effort = (): unknown => JSON.parse(model.bodies.at(-1) ?? "{}").reasoning_effort;
      const first = await start();
      await registered(scene);
      const options = { level: "high" };
      const text = await give(scene, { as: "ada", in: "#general", name: "think", options });
      assert.match(text, /^`\/think` is `high` here from now on\./);
      first.kill("SIGTERM");
      await first.exited;
      await start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      assert.equal(effort(), "high");
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      assert.equal(effort(), undefined);
      say("ada", "dm", "/think low");
      await replies("dm", 2, "ada");
      say("ada", "dm", "hello again");
      await replies("dm", 3, "ada");
      assert.equal(effort(), "low");
    });
  });
});

describe("[K2] [S5] /queue", () => {
  it("lets later messages share an answer, from the menu, also after a restart", async () => {
    let held = Promise.withResolvers<string>();
    await using model = await startFixedModel(() => held.promise);
    await withSimulation({
      mayRefuse: isEarly,
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, until, rows, eventually, start } = scene;
      const first = await start();
      await registered(scene);
      const queue = (as: string, mode: string) =>
        give(scene, { as, in: "#general", name: "queue", options: { mode } });
      assert.equal(await queue("grace", "collect"), "You are not authorized to do that.");
      assert.equal(await queue("ada", "collect"), "`/queue` is `collect` here from now on.");
      first.kill("SIGTERM");
      await first.exited;
      await start();
      say("grace", "general", `${mention} one`);
      await until("the first request", () => model.requests.length > 0);
      say("grace", "general", `${mention} two`);
      say("grace", "general", `${mention} three`);
      const stored = (count: number) =>
        eventually(
          `${count} messages`,
          () => Promise.resolve(rows("SELECT 1 FROM inbox").length === count),
        );
      await stored(3);
      held.resolve("done");
      await replies("general", 2);
      assert.equal(model.requests.length, 2, "the config's mode has a turn for each");

      held = Promise.withResolvers();
      say("ada", "general", "/queue followup");
      const [, , text] = await replies("general", 3);
      assert.equal(text, "`/queue` is `followup` here from now on.");
      for (const word of ["four", "five", "six"]) say("grace", "general", `${mention} ${word}`);
      held.resolve("done");
      await replies("general", 6);
    });
  });
});
