/** Tests the intent filter as people on Discord see it (I1). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";

/** Waits until the bot knows that its newest message is at Discord. */
async function answered({ replies, recorded, simulator }: Scene, count: number): Promise<void> {
  await replies("general", count);
  const newest = simulator.posted("general").at(-1);
  assert.ok(newest);
  await recorded(newest);
}

describe("[I1] the intent filter", () => {
  it("follows a conversation without mentions, and stays out of all others", () =>
    withSimulation({
      discord: ({ world }) => ({
        guilds: { [String([...world.guilds.keys()][0])]: { requireMention: false } },
        intentFilter: { enabled: true },
      }),
    }, async (scene) => {
      const { start, say, mention, decided, simulator, user, cli } = scene;
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

      const other = say("grace", "general", `<@${user("ada").id}> lunch?`);
      assert.equal(await decided(other), "ignore: to-others");
      assert.equal(simulator.posted("general").length, 2);
    }));
});
