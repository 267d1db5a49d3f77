/** Tests the tool `discord` as people on Discord see it (T3 to T5), and through crashes (D1). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import { toSnowflake } from "../../../simulator/world/snowflake.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { goOn } from "../../support/bot/go_on.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

const call = (args: object) => `call: discord ${JSON.stringify(args)}`;

/** Asks the bot for a call, and returns its answer. */
async function asked(scene: Scene, args: object, as = "grace", count = 1): Promise<string> {
  // The model reads `<:name:id>` as people see it, unless it is JSON like this.
  const written = call(args).replaceAll("<", "\\u003c");
  scene.say(as, scene.here, `${scene.mention}\n${written}`);
  return (await scene.replies(scene.here, count))[count - 1] ?? "";
}

const idOf = ({ simulator }: Scene, name: string) => String(simulator.channel(name).id);

function messageIn({ simulator }: Scene, where: string, id: string) {
  return [...simulator.channel(where).messages.values()].find((one) => String(one.id) === id);
}

describe("[T3] the tool discord", () => {
  const play = sharedBot({
    mayRefuse: ({ method, path }) => method === "GET" || path.includes("/reactions/"),
    discord: ({ world }) => ({
      guilds: {
        [[...world.guilds.keys()][0] ?? ""]: {
          channels: { "*": {}, "off-topic": { users: ["ada"] } },
        },
      },
    }),
  });

  it("posts to another channel, and tells the id", () =>
    play(async (scene) => {
      const text = "The tide is high. @everyone";
      const reply = await asked(scene, {
        action: "sendMessage",
        channelId: idOf(scene, "help"),
        text,
      });
      assert.match(reply, /"sent":true/);
      const [posted = ""] = scene.written("help");
      assert.match(posted, /The tide is high\./);
      const [id = ""] = /\d{15,}(?="\])/.exec(reply) ?? [];
      assert.ok(messageIn(scene, "help", id));
    }));

  it("[D1] posts to its own channel before the answer", () =>
    play(async (scene) => {
      scene.say(
        "grace",
        scene.here,
        `${scene.mention}\n${call({ action: "sendMessage", text: "one" })}`,
      );
      const [first, second = ""] = await scene.replies(scene.here, 2);
      assert.equal(first, "one");
      assert.match(second, /The tools returned/);
    }));

  it("posts an embed without a text", () =>
    play(async (scene) => {
      const embed = { title: "Tides", fields: [{ name: "noon", value: "3 m" }] };
      const args = { action: "sendMessage", channelId: idOf(scene, "help"), embed };
      const [id = ""] = /\d{15,}(?="\])/.exec(await asked(scene, args)) ?? [];
      const posted = messageIn(scene, "help", id);
      assert.equal(posted?.content, "");
      assert.deepEqual(posted.embeds, [embed]);
    }));

  it("reads the channel of a linked message", () =>
    play(async (scene) => {
      const [guildId = ""] = scene.simulator.world.guilds.keys();
      const { id } = scene.say("ada", "room-30", "The budget is ten shells.");
      const link = `https://discord.com/channels/${guildId}/${idOf(scene, "room-30")}/${id}`;
      const reply = await asked(scene, { action: "readMessages", around: link });
      assert.match(reply, /The budget is ten shells/);
    }));

  it("reads another channel, without messages that the model may not see", () =>
    play(async (scene) => {
      scene.say("ada", "room-31", "The budget is ten shells.");
      const reply = await asked(scene, {
        action: "readMessages",
        channelId: idOf(scene, "room-31"),
      });
      assert.match(reply, /The budget is ten shells/);
      assert.match(reply, /"timestampMs":\d+,"timestampUtc":"/);
    }));

  it("reacts, edits and deletes", () =>
    play(async (scene) => {
      const { say, until, here } = scene;
      const messageId = String(say("ada", here, "Nice").id);
      await asked(scene, { action: "react", messageId, emoji: "🦐" });
      await until(
        "the reaction",
        () => messageIn(scene, here, messageId)?.reactions.has("🦐"),
      );
      await asked(scene, { action: "react", messageId, emoji: "", remove: true }, "grace", 2);
      assert.equal(messageIn(scene, here, messageId)?.reactions.size, 0);
      const own = [...scene.simulator.channel(here).messages.values()].at(-1);
      assert.ok(own);
      const ownId = String(own.id);
      assert.match(
        await asked(scene, { action: "editMessage", messageId: ownId, text: "new" }, "grace", 3),
        /Edited/,
      );
      assert.equal(messageIn(scene, here, ownId)?.content, "new");
      assert.match(
        await asked(scene, { action: "editMessage", messageId, text: "no" }, "grace", 4),
        /only your own messages/,
      );
      await asked(scene, { action: "deleteMessage", messageId: ownId }, "grace", 4);
      await until("the deletion", () => !messageIn(scene, here, ownId));
    }));

  it("[T3] says that an emoji is gone", () =>
    play(async (scene) => {
      const { simulator: { world, permit }, say, here } = scene;
      const [guild] = world.guilds.values();
      assert.ok(guild);
      guild.things.emojis.set("77", { id: toSnowflake("77"), name: "krill", bytes: 1 });
      const react = (messageId: string) => ({ action: "react", messageId, emoji: "<:krill:77>" });
      const first = String(say("ada", here, "Nice").id);
      assert.match(await asked(scene, react(first)), /Reacted/);
      assert.ok(messageIn(scene, here, first)?.reactions.has("krill:77"));
      guild.things.emojis.delete("77");
      assert.match(await asked(scene, react(first), "grace", 2), /Use External Emojis/);
      permit({ in: here, to: "helpers", what: "useExternalEmojis", as: "allowed" });
      const second = String(say("ada", here, "Nicer").id);
      assert.match(await asked(scene, react(second), "grace", 3), /there is no such emoji/);
      assert.match(await asked(scene, react(first), "grace", 4), /Reacted/);
    }));

  it("[T4] changes its answers for the person whom they answer, and for no other", () =>
    play(async (scene) => {
      const { simulator, here } = scene;
      await asked(scene, { action: "channelList" }, "ada");
      const own = [...simulator.channel(here).messages.values()].at(-1);
      assert.ok(own);
      const messageId = String(own.id);
      const LACKS = /they lack the permission Manage Messages/;
      const edit = { action: "editMessage", messageId, text: "I was wrong" };
      const remove = { action: "deleteMessage", messageId };
      const NOT_THEIRS =
        /the bot posted it for another person; only they and owners of the bot may do that/;
      assert.match(await asked(scene, edit, "grace", 2), NOT_THEIRS);
      assert.match(await asked(scene, remove, "grace", 3), LACKS);
      assert.equal(messageIn(scene, here, messageId)?.content, own.content);
      simulator.permit({ in: here, to: "helpers", what: "manageMessages", as: "allowed" });
      assert.match(await asked(scene, edit, "grace", 4), NOT_THEIRS);
      scene.say("grace", here, `${scene.mention}\n${call(remove)}`);
      const card = await scene.until(
        "the card",
        () => simulator.posted(here).find((one) => buttonsIn(one.components).length > 0),
      );
      assert.match(
        textOf(card),
        /cannot be undone[^]*delete the message \d+ by the bot in <#/,
      );
      assert.ok(messageIn(scene, here, messageId));
      const [goOn] = buttonsIn(card.components);
      assert.ok(goOn);
      simulator.press({ as: "grace", in: here, message: card.id, customId: goOn.custom_id });
      await scene.until("the deletion", () => !messageIn(scene, here, messageId));
    }));

  it("opens a thread on a new message, and replies in it", () =>
    play(async (scene) => {
      const channelId = idOf(scene, "help");
      const reply = await asked(scene, {
        action: "threadCreate",
        channelId,
        title: "Krill",
        text: "All about krill",
      });
      const [threadId = ""] = /(?<="threadId":")\d+/.exec(reply) ?? [];
      assert.deepEqual(scene.written("help"), ["All about krill"]);
      await asked(scene, { action: "threadReply", channelId: threadId, text: "First" }, "grace", 2);
      assert.deepEqual(scene.written(threadId), ["First"]);
    }));

  it("[T5] neither posts to nor reads channels that the policy closes", () =>
    play(async (scene) => {
      scene.say("ada", "off-topic", "The budget is ten shells.");
      const channelId = idOf(scene, "off-topic");
      const refusal = /the access rules of the bot close that channel to this person/;
      assert.match(await asked(scene, { action: "sendMessage", channelId, text: "x" }), refusal);
      assert.match(
        await asked(scene, { action: "readMessages", channelId }, "grace", 2),
        refusal,
      );
      assert.deepEqual(scene.written("off-topic"), []);
      const byAda = await asked(scene, { action: "readMessages", channelId }, "ada", 3);
      assert.match(byAda, /ten shells/);
    }));

  it("[T4] [T5] has the rights of the asker, and the model learns which permission is missing", () =>
    play(async (scene) => {
      const { simulator, here } = scene;
      simulator.permit({ in: "room-32", to: "grace", what: "sendMessages", as: "denied" });
      const channelId = idOf(scene, "room-32");
      assert.match(
        await asked(scene, { action: "sendMessage", channelId, text: "x" }),
        /they lack the permission Send Messages/,
      );
      simulator.permit({ in: "room-32", to: "grace", what: "viewChannel", as: "denied" });
      assert.match(
        await asked(scene, { action: "readMessages", channelId }, "grace", 2),
        /they lack the permission View Channel/,
      );
      assert.deepEqual(scene.written("room-32"), []);
      const other = scene.say("ada", here, "Nice");
      assert.match(
        await asked(scene, { action: "deleteMessage", messageId: String(other.id) }, "grace", 3),
        /they lack the permission Manage Messages/,
      );
      assert.ok(messageIn(scene, here, String(other.id)));
    }));

  it("[T4] [SEC-R4] takes nothing out of a private place without the asker's press, and only one card asks", () =>
    play(async (scene) => {
      const { simulator, here, say, mention, until, written, replies } = scene;
      simulator.permit({ in: here, to: "@everyone", what: "viewChannel", as: "denied" });
      for (const to of ["grace", "Barnacle"]) {
        simulator.permit({ in: here, to, what: "viewChannel", as: "allowed" });
      }
      const channelId = idOf(scene, "room-31");
      const messageId = String(say("ada", "room-31", "Nice").id);
      const hidden = [
        { action: "sendMessage", channelId, text: "a" },
        { action: "react", channelId, messageId, emoji: "🇧" },
        { action: "sendMessage", channelId, text: "c" },
      ];
      const reacted = () => messageIn(scene, "room-31", messageId)?.reactions.has("🇧") ?? false;
      const asks = `${mention} what is in <#${channelId}>? a b c`;
      say("grace", here, [asks, ...hidden.map(call)].join("\n"));
      const shown = () =>
        simulator.posted(simulator.channel(here).id).filter(({ components }) =>
          buttonsIn(components).length > 0
        );
      await until("the card", () => shown().length > 0);
      assert.equal(shown().length, 1);
      for (const one of hidden) assert.ok(textOf(shown()[0] ?? assert.fail()).includes(one.action));
      assert.deepEqual([written("room-31"), reacted()], [[], false]);
      await goOn(scene, here);
      await until("all effects", () => written("room-31").length === 2 && reacted());
      await replies(here, 2);

      // The asker's own words need no card, once.
      const post = call({ action: "sendMessage", channelId, text: "dinner at eight" });
      say("grace", here, `${mention} post "dinner at eight" in <#${channelId}>\n${post}`);
      await until("the words", () => written("room-31").includes("dinner at eight"));
    }));

  it("[T5] ends at the server of the turn", () =>
    play(async (scene) => {
      const elsewhere = { action: "sendMessage", channelId: idOf(scene, "lounge"), text: "x" };
      const NO_CHANNEL = /there is no such channel in this server/;
      assert.match(await asked(scene, elsewhere), NO_CHANNEL);
      const unknown = { ...elsewhere, channelId: "1390000000000000001" };
      assert.match(await asked(scene, unknown, "grace", 2), NO_CHANNEL);
      assert.deepEqual(scene.written("lounge"), []);
    }));
});

describe("[D1] a crash while a tool sends", () => {
  const points = crashPoints(
    ["before:TS", "after:T4", "before:T3"],
    ["after:TS", "before:T4", "before:T5", "after:T5"],
  );
  for (const point of points) {
    it(`${point} › neither loses nor doubles the message`, () =>
      withSimulation({}, async (scene) => {
        const { say, mention, start } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        const args = { action: "sendMessage", channelId: idOf(scene, "help"), text: "once" };
        say("grace", "general", `${mention}\n${call(args)}`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await scene.replies("general", 1);
        assert.deepEqual(scene.written("help"), ["once"]);
        assert.equal(scene.written("general").length, 1);
      }));
  }
});
