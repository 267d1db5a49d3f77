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

describe("[K2] /status", () => {
  it("shows the conversation's model", () =>
    withSimulation({
      config: {
        commands: OWNER,
        agents: {
          defaults: { model: { primary: "openai/barnacle-script", fallbacks: ["openai/spare"] } },
        },
      },
    }, async (scene) => {
      await scene.start();
      await registered(scene);
      const options = { name: "model", value: "openai/spare" };
      await give(scene, { as: "ada", in: "#general", name: "settings", options });
      const owner = await give(scene, { as: "ada", in: "#general", name: "status" });
      assert.match(owner, /answering with `openai\/spare`/);
      const other = await give(scene, { as: "grace", in: "#general", name: "status" });
      assert.match(other, /answering with `openai\/spare`/);
      assert.doesNotMatch(other, /Everyone/);
      const restart = await give(scene, { as: "ada", in: "#general", name: "restart" });
      assert.match(restart, /no supervisor/);
    }));
});

describe("[K2] [R10] /settings reasoning and verbose", () => {
  it("show thinking and tools above answers, until they are off", async () => {
    const call = { id: "call_1", name: "read_channel_history", arguments: '{"limit":1}' };
    await using model = await startFixedModel(
      (_, { messages }) => messages.at(-1)?.role === "user" ? { calls: [call] } : "It is high.",
      "Tides turn.",
    );
    await withSimulation({
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, start } = scene;
      await start();
      await registered(scene);
      for (const name of ["verbose", "reasoning"]) {
        const options = { name, value: "on" };
        await give(scene, { as: "ada", in: "#general", name: "settings", options });
      }
      say("grace", "general", `${mention} how is the tide?`);
      assert.deepEqual(await replies("general", 2), [
        "-# used `read_channel_history`\n-# My thinking:\n> Tides turn.",
        "It is high.",
      ]);
      say("ada", "general", "/settings verbose off");
      say("ada", "general", "/settings reasoning off");
      await replies("general", 4);
      say("grace", "general", `${mention} and now?`);
      assert.deepEqual((await replies("general", 5)).slice(4), ["It is high."]);
    });
  });
});

describe("[K2] [P1] /settings activation and send", () => {
  it("decide whether the bot answers in a channel", async () => {
    await using model = await startFixedModel(() => "here");
    await withSimulation({
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, start, decided } = scene;
      await start();
      await registered(scene);
      const use = (as: string, name: string, value: string) =>
        give(scene, { as, in: "#general", name: "settings", options: { name, value } });
      assert.equal(await use("grace", "send", "off"), "You are not authorized to do that.");
      await use("ada", "activation", "always");
      await use("ada", "send", "off");
      const silent = say("grace", "general", `${mention} are you there?`);
      assert.equal(await decided(silent), "ignore: send-off");
      say("ada", "general", "/settings send inherit");
      assert.deepEqual(await replies("general", 1), ["`send` is `inherit` here from now on."]);
      const said = say("grace", "general", "no mention");
      assert.equal(await decided(said), "accept: mention-not-required");
      assert.equal((await replies("general", 2))[1], "here");
      assert.match(model.bodies.at(-1) ?? "", /are you there/, "it was kept as context");
      say("ada", "general", "/settings activation mention");
      await replies("general", 3);
      assert.equal(await decided(say("grace", "general", "nor here")), "ignore: no-mention");
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

describe("[K2] [S5] /settings queue", () => {
  it("lets later messages share an answer, from the menu", async () => {
    let held = Promise.withResolvers<string>();
    await using model = await startFixedModel(() => held.promise);
    await withSimulation({
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, until, rows, eventually, start } = scene;
      await start();
      await registered(scene);
      const queue = (as: string, value: string) =>
        give(scene, { as, in: "#general", name: "settings", options: { name: "queue", value } });
      assert.equal(await queue("grace", "collect"), "You are not authorized to do that.");
      assert.equal(await queue("ada", "collect"), "`queue` is `collect` here from now on.");
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
      say("ada", "general", "/settings queue followup");
      const [, , text] = await replies("general", 3);
      assert.equal(text, "`queue` is `followup` here from now on.");
      for (const word of ["four", "five", "six"]) say("grace", "general", `${mention} ${word}`);
      held.resolve("done");
      await replies("general", 6);
    });
  });
});
