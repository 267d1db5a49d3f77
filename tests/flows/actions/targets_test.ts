/** Tests where actions may act, and for whom, against a simulated Discord. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { NO_ACCOUNT } from "../../support/model/tools.ts";
import { refusal } from "../../../src/flows/actions/targets.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import type { User } from "../../../simulator/world/world.ts";
import { guild, policy } from "../../policy/policies.ts";
import { type ActionScene, pressedBy, withActions } from "./actions_harness.ts";
import { sameData } from "../../support/same_data.ts";

const NOT_HERE = /no such channel in this server/;

describe("[SEC-R20] editMessage", () => {
  it("changes no message with buttons: a person decides by its text", () =>
    withActions(async ({ api, run, demo: { channels }, sim }) => {
      const channelId = channels.general.id;
      const post = async (content: string, components: readonly object[]) => {
        const answer = await api.request("POST", `/channels/${channelId}/messages`, {
          body: { content, components, allowedMentions: { parse: [] } },
        });
        return z.object({ id: z.string() }).parse(answer).id;
      };
      const button: object = { type: 2, style: 3, label: "Allow once", customId: "ap:1" };
      const card = await post("rm -rf data", [{ type: 1, components: [button] }]);
      const plain = await post("hello", []);
      const edit = (messageId: string) =>
        run({ action: "editMessage", messageId, text: "ls" }, { isOwner: true });
      assert.match(await edit(card), /a message with buttons cannot be edited/);
      assert.equal(await edit(plain), "Edited.");
      const texts = [...sim.channel("general").messages.values()].map(({ content }) => content);
      assert.deepEqual(texts.slice(-2), ["rm -rf data", "ls"]);
    }));
});

describe("[T5] [SEC-R16] targets of the tool discord", () => {
  it("[SEC-R18] stay in the turn's server, for owners too", () =>
    withActions(async ({ run, demo: { elsewhere, elsewhereGeneral, people }, writes, refused }) => {
      for (const isOwner of [false, true]) {
        const channel = { action: "channelInfo", channelId: elsewhereGeneral.id };
        assert.match(await run(channel, { isOwner }), NOT_HERE);
        const dm = { action: "channelInfo", channelId: "1390000000000000099" };
        assert.match(await run(dm, { isOwner }), NOT_HERE);
        const list = { action: "channelList", guildId: elsewhere.id };
        assert.match(await run(list, { isOwner }), /actions stay in the server/);
        const kick = { action: "kick", guildId: elsewhere.id, userId: people.edsger.id };
        assert.match(await run(kick, { isOwner }), /actions stay in the server/);
      }
      assert.deepEqual(writes(), []);
      assert.deepEqual(new Set(refused), new Set(["place"]));
    }));

  it("are servers from direct messages only for owners", () =>
    withActions(async ({ run, demo: { krill, channels, people }, writes }) => {
      const list = { action: "channelList", guildId: krill.id };
      const edit = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      for (const args of [list, edit]) {
        assert.match(await run(args, { isDirect: true }), /only an owner of the bot/);
      }
      assert.deepEqual(writes(), []);
      const owner = { isDirect: true, isOwner: true, decision: pressedBy(people.grace) };
      assert.match(await run(list, owner), /"name":"general"/);
      assert.match(await run({ action: "channelList" }, owner), /give `guildId`/);
      assert.match(await run(edit, owner), /^Changed/);
    }));

  it("are other servers that the owner has allowed, for their members with the right", () =>
    withActions(async ({ run, rules, demo: { elsewhere, world, people } }) => {
      rules.alsoGuilds = [elsewhere.id];
      const list = { action: "roleInfo", guildId: elsewhere.id };
      assert.match(await run(list), /not a member of that server/);
      const by = people.edsger;
      const private_ = { by, isDirect: true, isOwner: true };
      assert.match(await run(list, private_), /"name":"@everyone"/);
      // The readers of this channel are no members there.
      for (const action of ["roleInfo", "memberInfo", "emojiList", "eventList"]) {
        const given = {
          action,
          guildId: elsewhere.id,
          ...action === "memberInfo" && { userId: by.id },
        };
        assert.match(await run(given, { by }), /not everyone who reads/, action);
      }
      assert.equal(world.guilds.size, 2);
    }));

  it("[P9] are no channels that the policy closes, despite the asker's rights at Discord", () =>
    withActions(async ({ run, rules, demo: { channels, krill }, permit, writes, refused }) => {
      permit("administrator");
      rules.policy = policy({
        groupPolicy: "allowlist",
        guilds: { [krill.id]: guild({ channels: { [channels.general.id]: {} } }) },
      });
      const pins = { action: "listPins", channelId: channels.help.id };
      assert.match(await run(pins), /the access rules of the bot close that channel/);
      const remove = { action: "channelDelete", channelId: channels.help.id };
      assert.match(await run(remove), /the access rules of the bot close that channel/);
      assert.doesNotMatch(await run({ action: "channelList" }), /"help"/);
      assert.deepEqual(writes(), []);
      assert.ok(refused.includes("policy"));
    }));

  it("take no identity from arguments", () =>
    withActions(async ({ run, demo: { people, krill }, writes }) => {
      for (const field of ["senderUserId", "askerId", "by", "requesterId"]) {
        const args = { action: "channelCreate", name: "x", [field]: people.ada.id };
        assert.match(await run(args), /the arguments do not fit channelCreate/);
      }
      const forged = { action: "roleAdd", userId: people.ada.id, roleId: krill.everyoneRoleId };
      assert.match(await run(forged), /lack the permission Manage Roles/);
      assert.deepEqual(writes(), []);
    }));
});

describe("[T4] [SEC-R17] rights of the people who ask", () => {
  it("bind each person whose message the turn answers", () =>
    withActions(async ({ run, permit, demo: { people }, target, writes }) => {
      permit("manageChannels");
      const args = { action: "channelCreate", name: "x" };
      assert.match(await run(args, { also: target }), /lack the permission Manage Channels/);
      assert.deepEqual(writes(), []);
      assert.match(await run(args, { also: people.ada }), /"channelId"/); // owns the server
    }));

  it("do not bind owners of the bot", () =>
    withActions(async ({ run, target }) => {
      assert.match(await run({ action: "kick", userId: target.id }, { isOwner: true }), /^Kicked/);
    }));

  it("need a higher role than the other member, for the bot too", () =>
    withActions(async ({ run, permit, sim, demo: { people }, writes, refused }) => {
      permit("kickMembers", "banMembers", "moderateMembers", "administrator");
      sim.setRoles({ who: "mallory", roles: ["officers"] });
      for (const user of [people.ada, people.mallory]) {
        for (const [action, more] of [["kick", {}], ["ban", {}], ["timeout", { minutes: 1 }]]) {
          const args = { action, userId: user.id, ...Object(more) };
          assert.match(await run(args), /their highest role is not above/);
        }
      }
      const asOwner = { by: people.ada, isOwner: true };
      const owner = { action: "kick", userId: people.ada.id };
      assert.match(await run(owner, asOwner), /its highest role is not above/);
      assert.deepEqual(writes(), []);
      assert.ok(refused.includes("rank"));
    }));

  it("need a higher role than the given one, and no role that an integration manages", () =>
    withActions(async ({ run, permit, target, demo: { krill }, writes }) => {
      permit("manageRoles", "administrator");
      const role = (name: string) => [...krill.roles.values()].find((one) => one.name === name)?.id;
      const give = (name: string) =>
        run({ action: "roleAdd", userId: target.id, roleId: role(name) });
      assert.match(await give("officers"), /not below their highest/);
      assert.match(await give("captain"), /not below their highest/);
      assert.match(await give("@everyone"), /@everyone is a role/);
      assert.deepEqual(writes(), []);
    }));

  it("give, deny and reset only permissions that the asker has", () =>
    withActions(async ({ run, permit, sim, crew, demo: { channels }, writes }) => {
      permit("manageRoles");
      const [lacked, held] = ["Manage Messages", "Send Messages"];
      const rows: readonly (readonly [string, "allowed" | "denied" | "unset", object?])[] = [
        ["channelPermissionSet", "unset", { allow: [lacked] }],
        ["channelPermissionSet", "unset", { deny: [lacked] }],
        ["channelPermissionSet", "denied", { allow: [lacked] }],
        ["channelPermissionSet", "allowed", { deny: [lacked] }],
        ["channelPermissionRemove", "denied"],
        ["channelPermissionRemove", "allowed"],
        ["channelPermissionSet", "allowed", { allow: [held] }],
        ["channelPermissionSet", "denied", { deny: [held] }],
      ];
      for (const [action, as, args] of rows) {
        const changes = JSON.stringify(args)?.includes(held) === true;
        for (const what of ["sendMessages", "manageMessages"] as const) {
          const isMeant = changes === (what === "sendMessages");
          sim.permit({ in: "help", to: "crew", what, as: isMeant ? as : "unset" });
        }
        const told = await run({ action, channelId: channels.help.id, targetId: crew.id, ...args });
        assert.match(told, changes ? /^Set/ : /only permissions that they have/, action);
      }
      assert.equal(writes().length, 2);
    }));

  it("include slow mode", () =>
    withActions(async ({ run, permit, sim, demo: { channels, world } }) => {
      const general = world.channels.get(channels.general.id);
      if (general?.kind === "text") world.channels.set(general.id, { ...general, slowmodeSec: 5 });
      permit("sendPolls");
      const poll = { action: "poll", question: "Tea?", answers: ["yes"] };
      assert.match(await run(poll), /lack the permission Bypass Slowmode/);
      permit("sendPolls", "bypassSlowmode");
      assert.match(await run(poll), /"sent":true/);
      assert.ok(sim.posted("general").length > 0);
    }));

  it("hide channels, threads and results that the asker may not see", () =>
    withActions(async ({ run, sim, demo: { channels } }) => {
      sim.say({ as: "ada", in: "help", text: "The secret budget" });
      sim.permit({ in: "help", to: "grace", what: "viewChannel", as: "denied" });
      const search = { action: "searchMessages", query: "budget", channelIds: [channels.help.id] };
      assert.match(await run(search), /^Nothing was found/);
      assert.doesNotMatch(await run({ action: "threadList" }), /How do I feed krill/);
      assert.doesNotMatch(await run({ action: "channelList" }), /"help"/);
    }));
});

describe("[T3] failures of actions", () => {
  it("name the permission that the bot lacks, before Discord refuses", () =>
    withActions(async ({ run, permit, sim, writes }) => {
      permit("pinMessages", "manageMessages");
      sim.setRoles({ who: "Barnacle", roles: ["Barnacle"] });
      const { id: messageId } = sim.say({ as: "ada", in: "general", text: "x" });
      assert.match(
        await run({ action: "pinMessage", messageId }),
        /the bot lacks the permission Pin Messages/,
      );
      for (const dryRun of [true, false]) {
        assert.match(
          await run({ action: "deleteMessage", messageId, dryRun }),
          /the bot lacks the permission Manage Messages/,
        );
      }
      assert.deepEqual(writes(), []);
    }));

  const wordsOf = async (code: number, words = "failed") => {
    const origin = { account: NO_ACCOUNT, askers: [], channelId: guildMessage().channelId };
    const found = { channel: () => Promise.reject(new Error("not used")) };
    const error = new RestError(words, { kind: "rejected", route: "PUT /x", status: 400, code });
    return String(await refusal(error, origin, found, []));
  };

  it("are Discord's own words, but for codes that need more", async () => {
    assert.match(await wordsOf(50001), /may not see/);
    assert.match(await wordsOf(50007), /direct messages/);
    assert.match(await wordsOf(50013), /permission/);
    assert.match(await wordsOf(50083), /archived/);
    const unknown = await wordsOf(10008, "failed with 404: Unknown Message (10008)");
    assert.match(unknown, /RefusedCall: .*Unknown Message/);
  });
});

describe("[T3] searchMessages", () => {
  it("waits while Discord builds its index", () =>
    withActions(async ({ run, sim, demo: { krill }, clock }) => {
      sim.say({ as: "ada", in: "general", text: "The budget" });
      krill.things.unindexed = 1;
      const searching = run({ action: "searchMessages", query: "budget" });
      await sim.until(() => krill.things.unindexed === 0 || undefined, AbortSignal.timeout(60_000));
      let isOver = false;
      void searching.then(() => isOver = true);
      await sim.until(() => {
        clock.advance(1_000);
        return isOver || undefined;
      }, AbortSignal.timeout(60_000));
      assert.match(await searching, /The budget/);
    }));
});

describe("[T4] the bot's own messages", () => {
  it("are deleted for the person whom they answer, and with Manage Messages", () =>
    withActions(async ({ run, permit, answered, sim, demo: { people, barnacle, channels } }) => {
      const post = () => {
        const posted = sim.say({ as: "ada", in: "general", text: "An answer" });
        const author = { kind: "user" as const, userId: barnacle.userId };
        channels.general.messages.set(posted.id, { ...posted, author });
        return posted;
      };
      const remove = (by: User, messageId: string, also?: User) =>
        run({ action: "deleteMessage", messageId }, { by, ...(also && { also }) });
      const one = post();
      answered.set(one.id, people.grace.id);
      assert.match(await remove(people.mallory, one.id), /Manage Messages/);
      assert.match(await remove(people.grace, one.id, people.mallory), /Manage Messages/);
      assert.match(await remove(people.grace, one.id), /^Deleted/);
      const other = post(); // of no turn that the store knows
      assert.match(await remove(people.grace, other.id), /Manage Messages/);
      permit("manageMessages");
      assert.match(await remove(people.grace, other.id), /^Deleted/);
    }));
});

describe("[T3] setPresence", () => {
  it("is for owners of the bot alone", () =>
    withActions(async ({ run, presences, demo: { people } }) => {
      const args = { action: "setPresence", status: "idle", activityName: "hunter2 tide" };
      assert.match(await run(args), /only an owner of the bot/);
      assert.match(await run(args, { isOwner: true }), /not everyone who/);
      const decision = pressedBy(people.grace);
      assert.match(await run(args, { isOwner: true, decision }), /^Set/);
      sameData(presences, [
        { status: "idle", activity: { type: "playing", name: "[redacted] tide" } },
      ]);
    }));
});

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
      assert.match(await react("<:other:123456789012345678>"), /Unknown Emoji/);
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
        /Unknown User \(10013\)$/,
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

/** Lets the tool make a poll for a person; returns its id. */
async function pollBy(
  { run, permit }: ActionScene,
  asking: Parameters<ActionScene["run"]>[1] = {},
) {
  permit("sendPolls", "sendMessages", "readMessageHistory");
  const made = await run({ action: "poll", question: "Tea?", answers: ["yes", "no"] }, asking);
  assert.match(made, /"sent":true/);
  return String(JSON.parse(made).messageIds[0]);
}

const NOT_THEIRS =
  /the bot posted it for another person; only they and owners of the bot may do that/;

describe("[T4] a message that the bot posted for a person", () => {
  it("is a poll that this person ends after a question, or an owner, and no one else", () =>
    withActions(async (scene) => {
      const { ask, run, sim, refused, writes, demo: { barnacle, channels, people } } = scene;
      const messageId = await pollBy(scene);
      const { poll } = [...channels.general.messages.values()].at(-1) ?? assert.fail();
      const unknown = sim.say({ as: "ada", in: "general", text: "x" });
      const author = { kind: "user" as const, userId: barnacle.userId };
      channels.general.messages.set(unknown.id, { ...unknown, author, poll });
      const end = { action: "pollEnd", messageId };
      const before = writes().length;
      for (const role of ["officers", "captain"]) {
        sim.setRoles({ who: "mallory", roles: [role] });
        assert.match(await run(end, { by: people.mallory }), NOT_THEIRS);
        assert.match(await run({ ...end, dryRun: true }, { by: people.mallory }), NOT_THEIRS);
        assert.match(await run(end, { also: people.mallory }), NOT_THEIRS);
      }
      assert.match(await run({ ...end, messageId: unknown.id }), NOT_THEIRS);
      assert.deepEqual(new Set(refused), new Set(["not_theirs"]));
      assert.equal((await ask(end))?.exact, `end the poll ${messageId}`);
      assert.match(await run(end, { decision: { kind: "expired" } }), /no person decided in time/);
      assert.equal(writes().length, before);
      assert.match(await run(end), /"ended":true/);
      const more = { ...end, messageId: await pollBy(scene) };
      sim.setRoles({ who: "mallory", roles: [] });
      const remove = { ...more, action: "deleteMessage", messageId };
      assert.match(await run(remove, { by: people.mallory }), /Manage Messages/);
      assert.match(await run(remove), /^Deleted/);
      assert.match(await run(more, { by: people.ada, isOwner: true }), /"ended":true/);
    }));
});
