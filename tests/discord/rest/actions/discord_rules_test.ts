/** Tests rules of Discord that depend on more than the permissions of the asker. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withActions } from "./actions_harness.ts";

describe("[T4] the rules of Discord", () => {
  it("let a member react with an emoji of another server only with Use External Emojis", () =>
    withActions(async ({ run, permit, sim, demo: { krill } }) => {
      permit("addReactions", "createExpressions");
      const { id: messageId } = sim.say({ as: "ada", in: "general", text: "krill" });
      const react = (emoji: string) => run({ action: "react", messageId, emoji });
      const mediaUrl = "https://cdn.discordapp.com/attachments/1/2/krill.png";
      const made = await run({ action: "emojiUpload", name: "krill", mediaUrl });
      const [own = ""] = /<:krill:\d+>/.exec(made) ?? [];
      assert.ok([...krill.things.emojis.keys()].length === 1);
      assert.match(await react("<:other:123456789012345678>"), /lack .* Use External Emojis/);
      assert.equal(await react(own), "Reacted.");
      assert.equal(await react("👍"), "Reacted.");
      permit("addReactions", "useExternalEmojis");
      assert.match(await react("<:other:123456789012345678>"), /there is no such emoji/);
    }));

  it("let no one time out an administrator", () =>
    withActions(async ({ run, sim, target, demo: { people } }) => {
      sim.setRoles({ who: target.username, roles: ["captain"] });
      const asking = { by: people.ada };
      const timeout = { action: "timeout", userId: target.id };
      assert.match(
        await run({ ...timeout, minutes: 5 }, asking),
        /administrator cannot be timed out/,
      );
    }));

  it("let a member open a thread in slow mode only with Bypass Slowmode", () =>
    withActions(async ({ run, permit, sim, demo: { channels, world } }) => {
      const { id: messageId } = sim.say({ as: "ada", in: "general", text: "krill" });
      world.channels.set(channels.general.id, { ...channels.general, slowmodeSec: 5 });
      const open = { action: "threadCreate", messageId, title: "Krill" };
      permit("createPublicThreads", "sendMessagesInThreads");
      assert.match(await run(open), /Bypass Slowmode/);
      permit("createPublicThreads", "sendMessagesInThreads", "bypassSlowmode");
      assert.match(await run(open), /"threadId"/);
    }));
});
