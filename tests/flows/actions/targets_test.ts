/** Tests where actions may act, and for whom, against a simulated Discord. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { NO_ACCOUNT } from "../../support/model/tools.ts";
import { refusal } from "../../../src/flows/actions/targets.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import type { User } from "../../../simulator/world/world.ts";
import { guild, policy } from "../../policy/policies.ts";
import { pressedBy, withActions } from "./actions_harness.ts";
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

  it("include slow mode, and a private thread's members", () =>
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

  it("say which arguments do not fit", () =>
    withActions(async ({ run }) => {
      assert.match(
        await run({ action: "poll", question: "x", answers: [] }),
        /do not fit poll:[^]*answers/,
      );
      assert.match(await run({ action: "memberInfo", userId: "ada" }), /must be the id of a user/);
      assert.match(await run({ action: "channelEdit" }), /give the fields to change/);
      assert.match(await run({ action: "channelEdit", archived: true }), /only a thread has/);
    }));

  const wordsOf = async (code: number) => {
    const origin = { account: NO_ACCOUNT, askers: [], channelId: guildMessage().channelId };
    const found = { channel: () => Promise.reject(new Error("not used")) };
    const error = new RestError("failed", { kind: "rejected", route: "PUT /x", status: 400, code });
    return String(await refusal(error, origin, found, []));
  };

  it("are in words for Discord's codes, with the kind of the limit", async () => {
    assert.match(await wordsOf(50001), /may not see/);
    assert.match(await wordsOf(50007), /direct messages/);
    assert.match(await wordsOf(50013), /permission/);
    assert.match(await wordsOf(30005), /250 roles/);
    assert.match(await wordsOf(30013), /500 channels/);
    assert.match(await wordsOf(10008), /no such message/);
    assert.match(await wordsOf(160014), /may not read what that message says/);
    assert.match(await wordsOf(10014), /no such emoji/);
    assert.match(await wordsOf(50083), /archived/);
    assert.match(await wordsOf(50034), /two weeks/);
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
