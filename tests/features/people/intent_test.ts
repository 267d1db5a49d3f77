/** Tests the intent filter as people on Discord see it (I1). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { killBot, type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";

/** Waits until the bot knows that its newest message is at Discord. */
async function answered({ replies, recorded, simulator }: Scene, count: number): Promise<void> {
  await replies("general", count);
  const newest = simulator.posted("general").at(-1);
  assert.ok(newest);
  await recorded(newest);
}

const filtered = (keys: object = {}): SceneOptions => ({
  discord: ({ world }) => ({
    guilds: { [String([...world.guilds.keys()][0])]: { requireMention: false } },
    intentFilter: { enabled: true, ...keys },
  }),
});

describe("[I1] the intent filter", () => {
  it("follows a conversation without mentions, and stays out of all others", () =>
    withSimulation(filtered(), async (scene) => {
      const { start, say, mention, decided, simulator, user, until, cli } = scene;
      await start();
      const chat = say("grace", "general", "anyone seen the game yesterday");
      assert.equal(await decided(chat), "ignore: not-for-bot");
      say("ada", "general", `${mention} how do I serve https with nginx?`);
      await answered(scene, 1);

      const follow = say("ada", "general", "where do you put the server block?");
      assert.equal(await decided(follow), "accept: intent");
      await answered(scene, 2);
      const { stdout } = await cli("why", follow.id);
      assert.match(stdout.join("\n"), /it scores 0\.\d\d, and 0\.70 is enough: .*the bot.* [+−]\d/);

      const thanks = say("ada", "general", "ok thanks");
      assert.equal(await decided(thanks), "ignore: no-reply-needed");
      await until("the reaction", () => thanks.reactions.get("👍")?.size === 1);

      const other = say("grace", "general", `<@${user("ada").id}> lunch?`);
      assert.equal(await decided(other), "ignore: to-others");
      assert.equal(simulator.posted("general").length, 2);

      const explained = await cli("intent", "explain", follow.id);
      assert.match(explained.stdout[0] ?? "", /^for the bot +0\.[789]\d$/);
    }));

  it("is quiet for an hour when a person asks for that, over a crash", () =>
    withSimulation(filtered({ respondThreshold: 0 }), async (scene) => {
      const { start, say, mention, replies, decided } = scene;
      const bot = await start();
      say("ada", "general", `${mention} how do I serve https with nginx?`);
      await answered(scene, 1);
      const request = say("grace", "general", "be quiet");
      assert.equal(await decided(request), "accept: asks-quiet");
      const [, notice = ""] = await replies("general", 2);
      assert.match(notice, /quiet here for an hour/);
      const silent = say("ada", "general", "where do you put the server block?");
      assert.equal(await decided(silent), "ignore: quiet");

      await killBot(bot);
      await start();
      const still = say("ada", "general", "and where is the other block?");
      assert.equal(await decided(still), "ignore: quiet");
      say("ada", "general", `${mention} are you there?`);
      await replies("general", 3);
    }));

  it("knows the conversation after a restart", () =>
    withSimulation(filtered(), async (scene) => {
      const { start, say, mention, replies, decided } = scene;
      const bot = await start();
      say("grace", "general", "anyone seen the game yesterday");
      say("ada", "general", `${mention} how do I serve https with nginx?`);
      await answered(scene, 1);
      await killBot(bot);
      await start();
      const follow = say("ada", "general", "where do you put the server block?");
      assert.equal(await decided(follow), "accept: intent");
      await replies("general", 2);
    }));

  it("asks a model of the config, and decides by the score if that says neither yes nor no", () =>
    withSimulation(filtered({ model: "openai/barnacle-script" }), async (scene) => {
      const { start, say, mention, decided, model, rows, eventually } = scene;
      await start();
      say("ada", "general", `${mention} how do I serve https with nginx?`);
      await answered(scene, 1);
      const follow = say("ada", "general", "where do you put the server block?");
      await answered(scene, 2);
      assert.equal(await decided(follow), "accept: intent");
      const asked = model.requests.filter(({ messages }) =>
        messages.some(({ text }) => text.includes("<transcript"))
      );
      assert.equal(asked.length, 1);
      await eventually(
        "the use",
        () => Promise.resolve(rows("SELECT 1 FROM usage WHERE kind = 'intent'").length === 1),
      );
    }));
});
