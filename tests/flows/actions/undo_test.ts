/** Tests destructive actions: dry runs, their number, and undoing. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { pressedBy, withActions } from "./actions_harness.ts";
import { changedSince } from "../../../src/flows/actions/undo.ts";
import type { Model } from "../../../src/core/model.ts";
import { discord } from "../../../src/tools/discord/discord.ts";
import { ALLOW_ONCE } from "../../../src/core/people/question.ts";
import { decideQuestion } from "../../../src/flows/questions/cards.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { userId } from "../../support/discord/builders.ts";
import { ADA, CHANNEL, GUILD, guildData, messageData } from "../../support/discord/payloads.ts";

const MINUTE_MS = 60_000;
const UNDO = { action: "undo" };

describe("[T3] destructive actions", () => {
  it("tell what they would do, and do nothing, with dryRun", () =>
    withActions(async ({ run, permit, target, demo: { channels }, writes }) => {
      permit("kickMembers", "manageChannels");
      assert.match(
        await run({ action: "kick", userId: target.id, dryRun: true }),
        /^Dry run: this would kick mallory \(\d+\)\. It cannot be undone\.$/,
      );
      assert.match(
        await run({
          action: "channelEdit",
          channelId: channels.help.id,
          name: "new",
          dryRun: true,
        }),
        /^Dry run: this would change <#\d+>: name "new"\. It can be undone/,
      );
      assert.deepEqual(writes(), []);
      assert.match(await run(UNDO), /there is nothing/);
    }));

  it("refuse a dry run for a person without the right", () =>
    withActions(async ({ run, target }) => {
      const args = { action: "kick", userId: target.id, dryRun: true };
      assert.match(await run(args), /lack the permission Kick Members/);
    }));

  it("are bounded in each turn, and a person must ask again", () =>
    withActions(async ({ run, permit, demo: { channels } }) => {
      permit("manageChannels");
      const rename = (name: string, turn: number) =>
        run({ action: "channelEdit", channelId: channels.help.id, name }, { turn });
      assert.match(await rename("a", 1), /^Changed/);
      assert.match(await rename("b", 1), /^Changed/);
      assert.match(await rename("c", 1), /may make 2 destructive changes.*; no person was asked/);
      assert.match(await rename("c", 2), /^Changed/);
    }));
});

describe("[T3] an action that cannot be undone", () => {
  const no = { kind: "answered", answer: { choice: "deny" }, about: "limit" } as const;

  it("runs only if a person has allowed it", () =>
    withActions(async ({ run, permit, target, refused, writes }) => {
      permit("kickMembers");
      const kick = { action: "kick", userId: target.id };
      const alone = await run(kick, { decision: undefined });
      assert.match(alone, /cannot be undone, so a person must allow it first; no person was asked/);
      assert.match(await run(kick, { decision: no }), /; a person said no/);
      assert.match(await run(kick, { decision: { kind: "expired" } }), /no person decided in time/);
      assert.deepEqual(refused, ["irreversible", "declined", "expired"]);
      assert.deepEqual(writes(), []);
      assert.match(await run(kick), /^Kicked/);
    }));

  for (const made of [0, 1, 2, 3]) {
    it(`counts for the card with the ${made} changes that the turn has made`, () =>
      withActions(async ({ run, askIn, permit, target, demo: { channels } }) => {
        permit("kickMembers", "manageChannels");
        const rename = { action: "channelEdit", channelId: channels.help.id, name: "new" };
        const kick = { action: "kick", userId: target.id };
        const decision = { ...no, answer: { choice: "once" } } as const;
        for (let at = 1; at <= made; at++) {
          const name = `name-${at}`;
          assert.match(await run({ ...rename, name }, { turn: 1, decision }), /^Changed/);
        }
        for (const answer of ["r", "k", "rr", "rk", "kr", "rrr", "rrk", "rkrk"]) {
          const all = [...answer];
          const question = await askIn(1, ...all.map((one) => one === "r" ? rename : kick));
          const asked = all.filter((one, at) => one === "k" || made + at >= 2);
          const isAsked = answer[0] === "k" || made >= 2;
          const lines = question?.exact?.split("\n").map((line) => /^kick/.test(line) ? "k" : "r");
          assert.deepEqual(lines, isAsked ? asked : undefined, `${answer} after ${made}`);
          const count = asked.includes("k") ? "cannot be undone" : `${made + all.length} destr`;
          if (isAsked) assert.match(question?.text ?? "", new RegExp(count));
        }
        const last = await run(rename, { turn: 1, decision: no });
        assert.match(last, /may make 2 destructive changes by itself; a person said no/);
      }));
  }

  it("is one question with the others of its answer, with their names and links", () =>
    withActions(async ({ ask, permit, sim, target, writes, demo: { krill, channels, people } }) => {
      permit("kickMembers", "banMembers", "manageChannels", "manageMessages", "moderateMembers");
      const { id: messageId } = sim.say({ as: "ada", in: "general", text: "Buy hunter2 `now`" });
      const question = await ask(
        { action: "kick", userId: target.id },
        { action: "timeout", userId: target.id, minutes: 5 },
        { action: "channelDelete", channelId: channels.help.id },
        { action: "deleteMessage", messageId },
        { action: "ban", userId: "1390000000000000099" }, // no such person
      );
      assert.equal(question?.kind, "limit");
      assert.match(question.text, /cannot be undone/);
      assert.deepEqual(question.exact?.split("\n"), [
        `kick mallory (${target.id})`,
        `delete <#${channels.help.id}> with all its messages`,
        `delete the message ${messageId} by ada (${people.ada.id}) in <#${channels.general.id}>: ` +
        '"Buy [redacted] `now`"',
      ]);
      assert.equal(question.covers?.length, 2);
      assert.deepEqual(question.asked, [people.grace.id, people.ada.id]);
      assert.equal(
        question.facts[0]?.value,
        `<@${target.id}> · <#${channels.help.id}> · ` +
          `https://discord.com/channels/${krill.id}/${channels.general.id}/${messageId}`,
      );
      assert.deepEqual(writes(), []);
    }));

  it("is no question for what can be undone, and for an own answer", () =>
    withActions(async (scene) => {
      const { ask, permit, answered, target, api, demo: { channels, people } } = scene;
      permit("moderateMembers", "manageChannels");
      assert.equal(await ask({ action: "timeout", userId: target.id, minutes: 5 }), undefined);
      assert.equal(
        await ask({ action: "channelEdit", channelId: channels.help.id, name: "new" }),
        undefined,
      );
      const posted = await api.request("POST", `/channels/${channels.general.id}/messages`, {
        body: { content: "an answer", allowedMentions: { parse: [] } },
      });
      const messageId = String(Object(posted).id);
      answered.set(messageId, people.grace.id);
      assert.equal(await ask({ action: "deleteMessage", messageId }), undefined);
    }));

  it("shows no words of a message in another channel, whose readers may be others", () =>
    withActions(async ({ ask, permit, sim, demo: { channels } }) => {
      permit("manageMessages");
      const { id: messageId } = sim.say({ as: "ada", in: "help", text: "Between us" });
      const question = await ask({
        action: "deleteMessage",
        messageId,
        channelId: channels.help.id,
      });
      assert.match(question?.exact ?? "", /^delete the message \d+ in <#\d+>$/);
    }));
});

describe("[T3] bans", () => {
  it("keep out a person who has left, and are lifted on request", () =>
    withActions(async ({ run, permit, target, clock, demo: { krill } }) => {
      permit("banMembers");
      krill.members.delete(target.id);
      const ban = { action: "ban", userId: target.id };
      assert.match(await run({ ...ban, dryRun: true }), /mallory \(\d+\), who is not a member now/);
      assert.match(await run(ban), /^Banned/);
      assert.match(await run(ban), /^Nothing to do: mallory \(\d+\) is banned already/);
      clock.advance(24 * 60 * MINUTE_MS);
      assert.match(await run(UNDO), /there is nothing/);
      assert.match(await run({ action: "unban", userId: target.id }), /^The ban is lifted/);
      assert.ok(!krill.things.bans.has(target.id));
      assert.match(
        await run({ action: "unban", userId: target.id }),
        /^Nothing to do: mallory \(\d+\) is not banned/,
      );
      assert.match(await run({ ...ban, userId: "1390000000000000099" }), /Unknown User/);
    }));
});

describe("[T3] undo after a later change of a person", () => {
  it("leaves the changed fields alone, and says so", () =>
    withActions(async ({ run, permit, demo: { world, channels } }) => {
      permit("manageChannels");
      const channelId = channels.help.id;
      const help = () => {
        const channel = world.channels.get(channelId);
        assert.ok(channel?.kind === "text");
        return channel;
      };
      await run({ action: "channelEdit", channelId, name: "Tide Tables", topic: "All" });
      world.channels.set(channelId, { ...help(), topic: "All about tides" });
      assert.match(await run(UNDO), /^Undone .*left alone what was changed again since: topic\.$/);
      assert.deepEqual([help().name, help().topic], ["help", "All about tides"]);
      await run({ action: "channelEdit", channelId, topic: "Mine" });
      world.channels.set(channelId, { ...help(), topic: "Theirs" });
      assert.match(await run(UNDO), /it was changed again since, so it stays/);
      assert.equal(help().topic, "Theirs");
    }));

  it("keeps a longer timeout, and other permissions", () =>
    withActions(async ({ run, permit, target, crew, demo: { krill, world, channels } }) => {
      permit("manageRoles", "moderateMembers");
      await run({ action: "timeout", userId: target.id, minutes: 5 });
      const member = krill.members.get(target.id);
      assert.ok(member?.timedOutUntil !== undefined);
      const longer = member.timedOutUntil + 3_600_000;
      krill.members.set(target.id, { ...member, timedOutUntil: longer });
      assert.match(await run(UNDO), /it was changed again since/);
      assert.equal(krill.members.get(target.id)?.timedOutUntil, longer);

      const channelId = channels.help.id;
      const set = { action: "channelPermissionSet", channelId, targetId: crew.id };
      await run({ ...set, deny: ["Send Messages"] });
      const channel = world.channels.get(channelId);
      assert.ok(channel?.kind === "text");
      const theirs = { id: crew.id, kind: "role" as const, allow: 0n, deny: 1n << 10n };
      world.channels.set(channelId, { ...channel, overwrites: [theirs] });
      assert.match(await run(UNDO), /it was changed again since/);
      const after = world.channels.get(channelId);
      assert.deepEqual(after?.kind === "text" && after.overwrites, [theirs]);
    }));
});

describe("[T3] undo", () => {
  it("takes a role back, a timeout, a ban, channel changes and permissions", () =>
    withActions(async (scene) => {
      const { run, permit, target, crew, demo: { krill, world, channels } } = scene;
      permit("manageRoles", "moderateMembers", "banMembers", "manageChannels");
      const channelId = channels.help.id;
      const help = () => world.channels.get(channelId);
      const member = () => krill.members.get(target.id);

      await run({ action: "roleAdd", userId: target.id, roleId: crew.id });
      assert.match(await run(UNDO), /^Undone \(1\): give the role crew.*takes the role away\.$/);
      assert.deepEqual(member()?.roles, []);

      const ends: (number | undefined)[] = [undefined];
      for (const minutes of [5, 9]) {
        await run({ action: "timeout", userId: target.id, minutes });
        ends.push(member()?.timedOutUntil);
      }
      for (const end of [ends[1], ends[0]]) {
        await run(UNDO);
        assert.equal(member()?.timedOutUntil, end);
      }

      const { id: parentId } = addChannel(world, krill, { name: "a", kind: "category" }, MINUTE_MS);
      const named = { name: "new", topic: "All", slowmodeSec: 9, parentId, isNsfw: false };
      await run({ action: "channelEdit", channelId, ...named });
      const told = await run(UNDO);
      assert.match(
        told,
        /name "new", topic "All", category <#\d+>, age restriction off, slow mode 9 s/,
      );
      assert.match(told, /This sets its name, topic, category, .*restriction, slow mode back\.$/);
      assert.deepEqual(scene.sim.requests.records().at(-1)?.body, {
        ...{ name: "help", topic: "", parent_id: null, nsfw: false, rate_limit_per_user: 0 },
      });

      const set = { action: "channelPermissionSet", channelId, targetId: crew.id };
      await run({ ...set, deny: ["Send Messages"] });
      await run({ ...set, allow: ["Send Messages"] });
      await run(UNDO);
      const changed = help();
      assert.ok(changed?.kind === "text");
      assert.deepEqual(changed.overwrites[0]?.deny, 1n << 11n);
      await run(UNDO);
      const restored = help();
      assert.ok(restored?.kind === "text");
      assert.deepEqual(restored.overwrites, []);

      await run({ action: "ban", userId: target.id });
      assert.ok(krill.things.bans.has(target.id));
      assert.match(await run(UNDO), /lifts the ban/);
      assert.ok(!krill.things.bans.has(target.id));
      assert.match(await run(UNDO), /there is nothing/);
    }));

  it("is for the person who asked, or an owner, in this server", () =>
    withActions(async ({ run, permit, demo: { channels, people }, target }) => {
      permit("manageChannels");
      await run({ action: "channelEdit", channelId: channels.help.id, name: "new" });
      for (
        const asking of [
          { by: target },
          { by: people.ada },
          { isDirect: true, decision: pressedBy(people.grace) },
        ]
      ) {
        assert.match(await run({ ...UNDO, id: 1 }, asking), /there is no change 1/);
      }
      assert.match(await run(UNDO, { by: people.ada, isOwner: true }), /^Undone \(1\)/);
      assert.match(await run({ ...UNDO, id: 1 }), /that is undone already/);
    }));

  it("needs the rights of that moment", () =>
    withActions(async ({ run, permit, demo: { channels }, writes }) => {
      permit("manageChannels");
      await run({ action: "channelEdit", channelId: channels.help.id, name: "new" });
      permit();
      assert.match(await run(UNDO), /lack the permission Manage Channels/);
      assert.equal(writes().length, 1);
    }));

  it("gives no permission that the person does not hold at that moment", () =>
    withActions(async ({ run, permit, demo: { channels }, crew, writes }) => {
      permit("manageRoles", "manageMessages");
      const at = { channelId: channels.help.id, targetId: crew.id };
      const allow = ["Manage Messages"];
      assert.match(await run({ action: "channelPermissionSet", ...at, allow }), /^Set/);
      assert.match(await run({ action: "channelPermissionRemove", ...at }), /^Removed/);
      permit("manageRoles");
      assert.match(await run(UNDO), /^Error: the person who asks may not do that there/);
      assert.equal(writes().length, 2);
    }));

  it("ends after ten minutes, and says what Discord does not take back", () =>
    withActions(async ({ run, permit, demo: { channels }, target, clock }) => {
      permit("manageChannels", "kickMembers");
      await run({ action: "kick", userId: target.id });
      assert.match(await run({ ...UNDO, id: 1 }), /Discord does not let this be undone: kick/);
      await run({ action: "channelEdit", channelId: channels.help.id, name: "new" });
      clock.advance(10 * MINUTE_MS + 1);
      assert.match(await run(UNDO), /there is nothing of the last 10 minutes/);
    }));
});

describe("[T3] changedSince()", () => {
  const TIMEOUT = { communicationDisabledUntil: "2026-01-01T10:00:00.123Z" };
  const until = (at: string | null) => ({ communication_disabled_until: at });
  const left = { type: 0, allow: "0", deny: "2048" };
  const having = (deny: string) => ({
    permission_overwrites: [{ id: "7", type: 0, allow: "0", deny }, { id: "8", deny: "1" }],
  });
  const none = { permission_overwrites: [] };
  type Fields = Readonly<Record<string, unknown>>;
  const rows: readonly (readonly [string, Fields, Fields, string, before?: Fields])[] = [
    [
      "Discord's spelling of a value is the same value",
      {
        ...{ name: "Tide Tables!", topic: "", parentId: null, nsfw: false, rateLimitPerUser: 0 },
        position: 4,
      },
      { name: "tide-tables", topic: null, parent_id: null, nsfw: false, position: 9 },
      "",
    ],
    ["each field with another value", {
      ...{ name: "tides", topic: "All", rateLimitPerUser: 5, archived: true },
    }, {
      ...{ name: "moon", topic: "All", rate_limit_per_user: 9 },
      thread_metadata: { archived: false },
    }, "name,rateLimitPerUser,archived"],
    ["a value that undoing has set already", { topic: "All" }, { topic: "Earlier" }, "", {
      topic: "Earlier",
    }],
    ["another value", { topic: "All" }, { topic: "Theirs" }, "topic", { topic: "Earlier" }],
    ["the same overwrite", left, having("2048"), ""],
    ["another overwrite", left, having("1024"), "deny"],
    ["an overwrite that is gone", left, none, ""],
    ["one that is gone and was there before", left, none, "deny", {
      ...left,
      deny: "0",
      allow: "64",
    }],
    ["a time without its milliseconds", TIMEOUT, until("2026-01-01T10:00:00+00:00"), ""],
    ["another time", TIMEOUT, until("2026-01-01T11:00:00+00:00"), "communicationDisabledUntil"],
    ["no time", TIMEOUT, until(null), "communicationDisabledUntil"],
  ];
  for (const [what, fields, now, changed, before] of rows) {
    it(`names ${changed || "no field"}: ${what}`, () => {
      const of = { path: "/channels/1", fields, ...(fields === left && { overwrite: "7" }) };
      assert.equal(changedSince(of, now, before).join(), changed);
    });
  }
});

const BOB = { id: "1900000000000000002", username: "bobsmith", discriminator: "0" };
const WORD = "bobword7end";
const OLD = "1300000000000000001";
const CHANNEL_DATA = { id: CHANNEL, type: 0, name: "ops", guild_id: GUILD };

describe("[X5] words of a forgotten person in a destructive action", () => {
  for (const isPressed of [false, true]) {
    it(`are nowhere, ${isPressed ? "after" : "before"} its card is pressed`, async () => {
      let asked = 0;
      const model: Model = {
        id: "test/model",
        async *generate() {
          const args = { action: "deleteMessage", messageId: OLD };
          const call = { id: "c", name: "discord", arguments: JSON.stringify(args) };
          if (asked++ === 0) yield { kind: "finish", reason: "tool_calls", calls: [call] };
          else yield { kind: "text", text: "done" };
          if (asked > 1) yield { kind: "finish", reason: "stop" };
        },
      };
      const tools = [discord];
      const scene = await testAccount({
        discord: { guilds: { [GUILD]: { users: ["*"] } } },
        toolServices: { tools: () => tools },
        model,
        answer: ({ method, path }) => {
          if (method !== "GET") return undefined;
          const roles = [{ id: GUILD, name: "@everyone", permissions: "8", position: 0 }];
          if (path === `/channels/${CHANNEL}/messages/${OLD}`) {
            return messageData({ id: OLD, author: BOB, content: WORD });
          }
          if (path === `/guilds/${GUILD}/channels`) return [CHANNEL_DATA];
          if (path === `/channels/${CHANNEL}`) return CHANNEL_DATA;
          if (path.startsWith(`/guilds/${GUILD}/members/`)) {
            return { user: { id: path.split("/").at(-1), username: "a" }, roles: [] };
          }
          if (path === `/guilds/${GUILD}/roles`) return roles;
          return path === `/guilds/${GUILD}` ? { id: GUILD, owner_id: ADA.id, roles } : undefined;
        },
      });
      const { store, rows } = scene;
      await scene.receive("GUILD_CREATE", guildData());
      const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
      await scene.write(`<@${SELF.userId}> delete that`, { mentions });
      await scene.pass(5_000);
      const open = await store.questions.open(scene.clock.now());
      for (const { code } of isPressed ? open : []) {
        const now = scene.clock.now();
        const by = { code };
        const answer = { choice: ALLOW_ONCE };
        await decideQuestion(scene.account, { by, userId: userId(ADA.id), answer, now });
        await scene.pass(5_000);
      }
      const later = { id: "1400000000000000901", author: BOB, content: "hello" };
      await scene.receive("MESSAGE_CREATE", messageData(later));
      const dump = () =>
        rows("SELECT name FROM pragma_table_list WHERE schema = 'main'").flatMap(({ name }) => {
          const all = JSON.stringify(rows(`SELECT * FROM "${name}"`));
          return all.includes(WORD) || all.includes(BOB.username) ? [String(name)] : [];
        });
      assert.ok(dump().includes(isPressed ? "discord_change" : "question"));
      await store.forgetting.forget(userId(BOB.id), false);
      assert.deepEqual(dump(), []);
    });
  }
});
