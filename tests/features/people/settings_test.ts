/** Tests the commands that change settings: their effect, and that it outlives a restart. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };

describe("[K2] /settings think", () => {
  it("reaches the model of that conversation, from the menu and as a text, after a restart", async () => {
    await using model = await startFixedModel(() => "thought");
    await withSimulation({
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, start } = scene;
      const effort = (): unknown => JSON.parse(model.bodies.at(-1) ?? "{}").reasoning_effort;
      const first = await start();
      await registered(scene);
      const options = { name: "think", value: "high" };
      const text = await give(scene, { as: "ada", in: "#general", name: "settings", options });
      assert.match(text, /^`think` is `high` here from now on\./);
      first.kill("SIGTERM");
      await first.exited;
      await start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      assert.equal(effort(), "high");
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      assert.equal(effort(), undefined);
      say("ada", "dm", "/settings think low");
      await replies("dm", 2, "ada");
      say("ada", "dm", "hello again");
      await replies("dm", 3, "ada");
      assert.equal(effort(), "low");
    });
  });
});

describe("[K2] /restart", () => {
  it("ends a supervised bot once its answer is sent, and not again after the start", () =>
    withSimulation({ config: { commands: OWNER } }, async (scene) => {
      const { say, replies, start } = scene;
      const supervised = { BARNACLE_SUPERVISED: "1" };
      const first = await start(supervised);
      await registered(scene);
      const use = (as: string) => give(scene, { as, in: "#general", name: "restart" });
      assert.equal(await use("grace"), "You are not authorized to do that.");
      assert.equal(await use("ada"), "I am restarting. I will be back in a moment.");
      assert.deepEqual(await ended(first), { code: 0, signal: null });
      await start(supervised);
      say("ada", "dm", "/whoami");
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /^You are/);
    }));
});
