/** Tests rules of Discord that depend on more than the permissions of the asker. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pressedBy, withActions } from "./actions_harness.ts";

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

describe("[T3] further arguments", () => {
  it("a poll and a sticker take a text, without secrets and foreign links", () =>
    withActions(async ({ run, permit, demo: { krill, people, channels } }) => {
      permit("sendPolls", "useExternalStickers");
      krill.things.stickers.set("5", { id: people.ada.id, name: "wave", bytes: 1 });
      const text = "hunter2 and https://evil.example/?q=1";
      await run({ action: "poll", question: "Tea?", answers: ["yes", "no"], text });
      await run({ action: "sticker", stickerIds: [people.ada.id], text });
      const posted = [...channels.general.messages.values()].slice(-2);
      for (const { content } of posted) {
        assert.match(content, /^\[redacted\] and/);
        assert.doesNotMatch(content, /(?<![`<])https:\/\/evil/);
      }
      const long = await run({
        action: "poll",
        question: "?",
        answers: ["a"],
        text: "x ".repeat(1_500),
      });
      assert.match(long, /longer than one message/);
    }));

  it("[SEC-R4] polls, names, topics and the status have no invisible characters", () =>
    withActions(async ({ run, permit, presences, demo: { channels, people, world } }) => {
      permit("sendPolls", "manageChannels");
      const unseen = "\u200b\u2063\u202e\u{e0041}\ufe0f\u{e0101}";
      const word = `ti${unseen}de hun${unseen}ter2${unseen} 🦐`;
      await run({ action: "poll", question: word, answers: [word] });
      const edit = { action: "channelEdit", channelId: channels.help.id, name: word, topic: word };
      assert.match(await run(edit), /^Changed/);
      const status = { action: "setPresence", activityName: word };
      await run(status, { isOwner: true, decision: pressedBy(people.grace) });
      const poll = [...channels.general.messages.values()].at(-1)?.poll;
      const help = world.channels.get(channels.help.id);
      assert.ok(help && "topic" in help);
      const shown = [poll?.question, ...poll?.answers ?? [], help.name, help.topic];
      assert.deepEqual(new Set(shown), new Set(["tide [redacted] 🦐"]));
      assert.match(JSON.stringify(presences), /"name":"tide \[redacted\] 🦐"/);
    }));

  it("a timeout takes the time at which it ends", () =>
    withActions(async ({ run, permit, clock, target, demo: { krill } }) => {
      permit("moderateMembers");
      const timeout = { action: "timeout", userId: target.id };
      const at = (ms: number) => new Date(clock.now() + ms).toISOString();
      const hour = at(3_600_000);
      assert.match(await run({ ...timeout, until: hour }), /^Timed out\./);
      const until = krill.members.get(target.id)?.timedOutUntil;
      assert.equal(until, Date.parse(hour));
      assert.match(await run({ ...timeout, until: at(-1) }), /over already/);
      assert.match(await run({ ...timeout, until: at(29 * 86_400_000) }), /28 days/);
      assert.match(await run(timeout), /give `minutes` or `until`/);
      assert.match(await run({ ...timeout, minutes: 1, until: hour }), /give `minutes` or/);
    }));

  it("readMessages reads around a message", () =>
    withActions(async ({ run, sim, demo: { channels } }) => {
      const said = ["a1", "a2", "a3", "a4", "a5"].map((text) =>
        sim.say({ as: "ada", in: "help", text })
      );
      const around = said[2]?.id;
      const read = await run({
        action: "readMessages",
        channelId: channels.help.id,
        around,
        limit: 3,
      });
      assert.deepEqual(read.split("\n").map((line) => JSON.parse(line).text), ["a2", "a3", "a4"]);
    }));

  it("a direct message goes to the asker, or for owners to anyone", () =>
    withActions(async ({ run, refused, demo: { people } }) => {
      const to = (user: { readonly id: string }) => ({
        action: "sendMessage",
        userId: user.id,
        text: "hello",
      });
      assert.match(await run(to(people.ada)), /only an owner of the bot/);
      assert.deepEqual(refused, ["owners_only"]);
      assert.match(await run(to(people.grace), { also: people.ada }), /only an owner of the bot/);
      const isSent = /This test sends no text/; // as far as the outbox
      assert.match(await run(to(people.grace)), isSent);
      assert.match(await run(to(people.ada), { isOwner: true }), isSent);
    }));

  it("[T3] says that there is no such user", () =>
    withActions(async ({ run, demo: { people } }) => {
      const to = { action: "sendMessage", userId: "1390000000000000404", text: "hello" };
      const decision = pressedBy(people.ada);
      assert.match(
        await run(to, { by: people.ada, isOwner: true, decision }),
        /there is no such user$/,
      );
    }));

  it("[T4] a file needs Attach Files, and an embed Embed Links", () =>
    withActions(async ({ run, sim }) => {
      const file = {
        action: "sendMessage",
        text: "x",
        mediaUrl: "https://cdn.discordapp.com/1/2/a.png",
      };
      const box = { action: "sendMessage", text: "x", embed: { title: "Tides" } };
      assert.match(await run(file), /This test sends no text/);
      sim.permit({ to: "@everyone", what: "attachFiles", as: "denied" });
      sim.permit({ to: "@everyone", what: "embedLinks", as: "denied" });
      assert.match(await run(file), /lack the permission Attach Files/);
      assert.match(await run(box), /lack the permission Embed Links/);
    }));
});
