/**
 * Runs every action of the tool `discord` against a simulated Discord: the call, the state of the
 * simulated Discord afterwards, and the words for the model. Each action runs twice: once for a
 * person who could not do it by hand, and once for a person who could.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PERMISSION } from "../../../simulator/world/permissions.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { enter } from "../../../simulator/world/voice_states.ts";
import type { Message, TextChannel } from "../../../simulator/world/world.ts";
import { changesNothing } from "../../../src/core/turn/tool.ts";
import { ACTIONS, discord } from "../../../src/tools/discord/discord.ts";
import { type ActionScene, withActions } from "./actions_harness.ts";

type Bit = keyof typeof PERMISSION;

interface Case {
  /** Arguments; called after the set-up. */
  readonly args: (scene: ActionScene, set: SetUp) => object;
  /** Permissions that the asker needs beside those of everyone. */
  readonly needs?: readonly Bit[];
  /** Permission of everyone without which the action is refused, if it needs no other. */
  readonly hidden?: Bit;
  /** Set if the result is for the asker alone: in direct messages of an owner of the bot. */
  readonly isPrivate?: true;
  /** The words for the model. */
  readonly tells: RegExp;
  /** The words if the asker lacks the right. */
  readonly refuses?: RegExp;
  /** Checks the simulated Discord afterwards. */
  readonly then?: (scene: ActionScene, set: SetUp) => unknown;
}

interface SetUp {
  /** In #general, by ada. */
  readonly message: Message;
  /** In #general, by the bot. */
  readonly own: Message;
  /** A poll of the bot in #general. */
  readonly poll: Message;
  readonly forum: TextChannel;
  readonly category: TextChannel;
  readonly voice: TextChannel;
}

function setUp({ sim, demo: { world, krill, channels, barnacle } }: ActionScene): SetUp {
  const at = Date.UTC(2026, 0, 2);
  const message = sim.say({ as: "ada", in: "general", text: "All about the budget" });
  const own = { ...message, id: message.id };
  const byBot = (fields: Partial<Message>): Message => {
    const posted = sim.say({ as: "ada", in: "general", text: "x" });
    const changed = {
      ...posted,
      author: { kind: "user" as const, userId: barnacle.userId },
      ...fields,
    };
    channels.general.messages.set(posted.id, changed);
    return changed;
  };
  const tag = { id: own.id, name: "Food", moderated: false };
  return {
    message,
    own: byBot({}),
    poll: byBot({
      poll: {
        question: "Tea?",
        answers: ["yes", "no"],
        hours: 24,
        allowsSeveral: false,
        votes: new Map([[1, 3]]),
        isOver: false,
      },
    }),
    forum: addChannel(world, krill, { name: "forum", kind: "forum", tags: [tag] }, at),
    category: addChannel(world, krill, { name: "Fleet", kind: "category" }, at),
    voice: textChannel(sim.channel("voice")),
  };
}

function textChannel(channel: unknown): TextChannel {
  return channel as TextChannel;
}

const general = ({ demo }: ActionScene) =>
  textChannel(demo.world.channels.get(demo.channels.general.id));
const inGeneral = (scene: ActionScene, { id }: Message) => general(scene).messages.get(id);
const newest = (scene: ActionScene) => [...general(scene).messages.values()].at(-1);
const channelCalled = (scene: ActionScene, name: string) =>
  textChannel(
    [...scene.demo.world.channels.values()].find((one) => "name" in one && one.name === name),
  );
const memberOf = ({ demo, target }: ActionScene) => demo.krill.members.get(target.id);
const picture = "https://cdn.discordapp.com/attachments/1/2/krill.png";
const help = ({ demo }: ActionScene) => demo.channels.help.id;

/** Each action with the rights that it needs. Texts of the outbox are tested end to end. */
const CASES: Readonly<Record<string, Case>> = {
  readMessages: {
    args: (scene) => ({ channelId: help(scene) }),
    hidden: "readMessageHistory",
    tells: /no messages that you may read/,
  },
  fetchMessage: {
    args: (_scene, { message }) => ({ messageId: message.id }),
    hidden: "readMessageHistory",
    tells: /All about the budget/,
  },
  deleteMessage: {
    args: (_scene, { message }) => ({ messageId: message.id }),
    needs: ["manageMessages"],
    tells: /^Deleted\. It cannot be undone\.$/,
    then: (scene, { message }) => assert.equal(inGeneral(scene, message), undefined),
  },
  forwardMessage: {
    args: (scene, { message }) => ({ messageId: message.id, toChannelId: help(scene) }),
    hidden: "readMessageHistory",
    tells: /"forwarded":true/,
    then({ demo }, { message }) {
      const [forwarded] = demo.channels.help.messages.values();
      assert.equal(forwarded?.reference?.kind, "forward");
      assert.equal(forwarded.reference.messageId, message.id);
    },
  },
  react: {
    args: (_scene, { message }) => ({ messageId: message.id, emoji: "🦐" }),
    hidden: "addReactions",
    tells: /^Reacted\.$/,
    async then(scene, { message }) {
      assert.ok(inGeneral(scene, message)?.reactions.has("🦐"));
      await scene.run({ action: "react", messageId: message.id, emoji: "", remove: true });
      assert.equal(inGeneral(scene, message)?.reactions.size, 0);
    },
  },
  reactions: {
    args({ sim }, { message }) {
      sim.react({ as: "ada", in: "general", message: message.id, emoji: "🦐" });
      return { messageId: message.id, emoji: "🦐" };
    },
    hidden: "readMessageHistory",
    tells: /"username":"ada"/,
  },
  emojiList: {
    args({ demo: { krill, people } }) {
      krill.things.emojis.set("5", { id: people.ada.id, name: "krill", bytes: 1 });
      return {};
    },
    tells: /^<:krill:\d+>$/,
  },
  sticker: {
    args({ demo: { krill, people } }) {
      krill.things.stickers.set("5", { id: people.ada.id, name: "wave", bytes: 1 });
      return { stickerIds: [people.ada.id] };
    },
    hidden: "sendMessages",
    tells: /"sent":true/,
    then: (scene) => assert.deepEqual(newest(scene)?.stickerIds, [scene.demo.people.ada.id]),
  },
  emojiUpload: {
    args: () => ({ name: "krill", mediaUrl: picture }),
    needs: ["createExpressions"],
    tells: /<:krill:\d+>/,
    then: ({ demo }) => assert.equal([...demo.krill.things.emojis.values()][0]?.name, "krill"),
  },
  stickerUpload: {
    args: () => ({ name: "krill", description: "A krill", emoji: "🦐", mediaUrl: picture }),
    needs: ["createExpressions"],
    tells: /"stickerId":"\d+"/,
    then: ({ demo }) => assert.equal([...demo.krill.things.stickers.values()][0]?.bytes, 8),
  },
  poll: {
    args: () => ({ question: "Tea? hunter2", answers: ["yes", "no"], hours: 2 }),
    needs: ["sendPolls"],
    tells: /"sent":true/,
    then(scene) {
      assert.equal(newest(scene)?.poll?.question, "Tea? [redacted]");
      assert.deepEqual(newest(scene)?.poll?.answers, ["yes", "no"]);
    },
  },
  pollResults: {
    args: (_scene, { poll }) => ({ messageId: poll.id }),
    hidden: "readMessageHistory",
    tells: /"isOver":false.*"text":"yes","votes":3/,
  },
  pollEnd: {
    args({ answered, demo: { people } }, { poll }) {
      answered.set(poll.id, people.grace.id);
      return { messageId: poll.id };
    },
    needs: ["sendPolls"],
    tells: /"ended":true.*"isOver":true/,
    then: (scene, { poll }) => assert.equal(inGeneral(scene, poll)?.poll?.isOver, true),
  },
  pinMessage: {
    args: (_scene, { message }) => ({ messageId: message.id }),
    needs: ["pinMessages"],
    tells: /^Pinned\.$/,
    then: (scene, { message }) => assert.ok(inGeneral(scene, message)?.pinnedAt),
  },
  unpinMessage: {
    args(scene, { message }) {
      general(scene).messages.set(message.id, { ...message, pinnedAt: 1 });
      return { messageId: message.id };
    },
    needs: ["pinMessages"],
    tells: /^Unpinned\.$/,
    then: (scene, { message }) => assert.equal(inGeneral(scene, message)?.pinnedAt, undefined),
  },
  listPins: {
    args(scene, { message }) {
      general(scene).messages.set(message.id, { ...message, pinnedAt: Date.UTC(2026, 0, 3) });
      return {};
    },
    hidden: "readMessageHistory",
    tells: /"pinnedAt":"2026-01-03T00:00:00\.000Z".*"timestampUtc".*the budget/,
  },
  threadList: {
    args: (scene) => ({ channelId: help(scene), query: "krill" }),
    hidden: "readMessageHistory",
    tells: /"name":"How do I feed krill\?"/,
  },
  searchMessages: {
    args: () => ({ query: "budget" }),
    hidden: "viewChannel",
    tells: /All about the budget/,
    refuses: /Nothing was found/,
  },
  channelInfo: {
    args: () => ({}),
    hidden: "viewChannel",
    tells: /"name":"general","type":"text","topic":"All about krill"/,
  },
  channelList: {
    args: () => ({}),
    hidden: "viewChannel",
    tells: /"name":"general"/,
    refuses: /^(?![^]*"general")[^]*"help"/,
  },
  channelCreate: {
    args: (_scene, { category }) => ({ name: "krill", topic: "All", parentId: category.id }),
    needs: ["manageChannels"],
    tells: /"channelId":"\d+"/,
  },
  channelEdit: {
    args: () => ({ name: "shrimp", slowmodeSec: 5 }),
    needs: ["manageChannels"],
    tells: /^Changed\. To undo: undo\(id 1\)\./,
  },
  channelMove: {
    args: (scene, { category }) => ({ channelId: help(scene), parentId: category.id, position: 3 }),
    needs: ["manageChannels"],
    tells: /^Changed\./,
  },
  channelDelete: {
    args: (scene) => ({ channelId: help(scene) }),
    needs: ["manageChannels"],
    tells: /^Deleted\. It cannot be undone\.$/,
    then: ({ demo }) => assert.ok(!demo.world.channels.has(demo.channels.help.id)),
  },
  categoryCreate: {
    args: () => ({ name: "Harbour" }),
    needs: ["manageChannels"],
    tells: /"channelId"/,
  },
  categoryEdit: {
    args: (_scene, { category }) => ({ channelId: category.id, name: "Navy" }),
    needs: ["manageChannels"],
    tells: /^Changed\./,
    then: (scene) => assert.equal(channelCalled(scene, "Navy").kind, "category"),
  },
  categoryDelete: {
    args: (_scene, { category }) => ({ channelId: category.id }),
    needs: ["manageChannels"],
    tells: /^Deleted\./,
    then: ({ demo }, { category }) => assert.ok(!demo.world.channels.has(category.id)),
  },
  permissions: {
    args: () => ({}),
    hidden: "viewChannel",
    tells: /"has":\["View Channel","Send Messages".*"youHave":\["View Channel"/,
  },
  channelPermissionSet: {
    args: (scene) => ({
      channelId: help(scene),
      targetId: scene.crew.id,
      allow: ["Send Messages"],
      deny: ["add reactions"],
    }),
    needs: ["manageRoles"],
    tells: /^Set\. To undo/,
    then(scene) {
      const [one] = channelCalled(scene, "help").overwrites;
      assert.deepEqual(one, { id: scene.crew.id, kind: "role", allow: 1n << 11n, deny: 1n << 6n });
    },
  },
  channelPermissionRemove: {
    args({ sim, crew, demo }) {
      sim.permit({ in: "help", to: "crew", what: "sendMessages", as: "denied" });
      return { channelId: demo.channels.help.id, targetId: crew.id };
    },
    needs: ["manageRoles"],
    tells: /^Removed\. To undo/,
    then: (scene) => assert.deepEqual(channelCalled(scene, "help").overwrites, []),
  },
  memberInfo: {
    args: ({ demo }) => ({ userId: demo.people.grace.id }),
    tells: /"username":"grace".*"roles":\[\{"id":"\d+","name":"officers"\}\]/,
  },
  roleInfo: { args: () => ({}), tells: /"name":"captain"[^]*"name":"@everyone"/ },
  roleAdd: {
    args: ({ target, crew }) => ({ userId: target.id, roleId: crew.id }),
    needs: ["manageRoles"],
    tells: /^Given\. To undo: undo\(id 1\)/,
    then: (scene) => assert.deepEqual(memberOf(scene)?.roles, [scene.crew.id]),
  },
  roleRemove: {
    args({ sim, target, crew }) {
      sim.setRoles({ who: "mallory", roles: ["crew"] });
      return { userId: target.id, roleId: crew.id };
    },
    needs: ["manageRoles"],
    tells: /^Taken\./,
    then: (scene) => assert.deepEqual(memberOf(scene)?.roles, []),
  },
  voiceStatus: {
    args({ demo: { krill, world }, target }, { voice }) {
      const session = { sessionId: "s", selfMute: false, selfDeaf: false };
      enter(world, krill, voice, { userId: target.id, ...session });
      return { userId: target.id };
    },
    tells: /"channel":"voice","isMuted":false/,
  },
  eventList: {
    args({ demo: { krill } }, { voice }) {
      krill.things.events.set("5", {
        id: "5",
        name: "Regatta",
        scheduled_start_time: "2026-02-01T10:00:00Z",
        channel_id: voice.id,
      });
      return {};
    },
    tells: /"name":"Regatta"/,
  },
  eventCreate: {
    args: () => ({
      name: "Regatta",
      location: "The pier",
      startTime: "2026-02-01T10:00:00Z",
      endTime: "2026-02-01T12:00:00+01:00",
    }),
    needs: ["createEvents"],
    tells: /"eventId":"\d+"/,
  },
  timeout: {
    args: ({ target }) => ({ userId: target.id, minutes: 10, reason: "spam" }),
    needs: ["moderateMembers"],
    tells: /^Timed out\. To undo/,
    then: (scene) => assert.equal(memberOf(scene)?.timedOutUntil, scene.clock.now() + 600_000),
  },
  kick: {
    args: ({ target }) => ({ userId: target.id }),
    needs: ["kickMembers"],
    tells: /^Kicked\. It cannot be undone\.$/,
    then: (scene) => assert.equal(memberOf(scene), undefined),
  },
  ban: {
    args: ({ target }) => ({ userId: target.id, deleteDays: 1 }),
    needs: ["banMembers"],
    tells: /^Banned\. To undo/,
    then: ({ demo, target }) => assert.ok(demo.krill.things.bans.has(target.id)),
  },
  unban: {
    args({ demo: { krill }, target }) {
      krill.things.bans.add(target.id);
      return { userId: target.id };
    },
    needs: ["banMembers"],
    tells: /^The ban is lifted\. To undo/,
    then: ({ demo, target }) => assert.ok(!demo.krill.things.bans.has(target.id)),
  },
  banList: {
    args({ demo: { krill }, target }) {
      krill.things.bans.add(target.id);
      return { guildId: krill.id, limit: 5 };
    },
    needs: ["banMembers"],
    isPrivate: true,
    tells: /^\{"userId":"\d+","username":"mallory"\}$/,
  },
};

const ELSEWHERE: readonly string[] = [
  "sendMessage", // by the outbox: end to end
  "editMessage",
  "threadCreate",
  "threadReply",
  "setPresence", // below
  "undo",
];

describe("[T3] [T4] each action of the tool discord", () => {
  it("has a case", () => {
    assert.deepEqual(
      ACTIONS.map(({ name }) => name).filter((name) => !CASES[name] && !ELSEWHERE.includes(name)),
      [],
    );
  });

  for (
    const [action, { args, needs, hidden, isPrivate, tells, refuses, then }] of Object.entries(
      CASES,
    )
  ) {
    it(`${action} › works for a person who could do it by hand, and for no other`, () =>
      withActions(async (scene) => {
        const set = setUp(scene);
        const call = { action, ...args(scene, set) };
        if (needs) {
          for (const lacking of needs) {
            scene.permit(...needs.filter((name) => name !== lacking));
            assert.match(await scene.run(call), refuses ?? /^Error: the person who asks may not/);
          }
          assert.deepEqual(scene.writes(), []);
          scene.permit(...needs);
        } else if (hidden) {
          for (const where of ["general", "help"]) {
            scene.sim.permit({ in: where, to: "grace", what: hidden, as: "denied" });
          }
          if (action === "channelList") {
            scene.sim.permit({ in: "help", to: "grace", what: hidden, as: "unset" });
          }
          assert.match(await scene.run(call), refuses ?? /^Error: the person who asks may not/);
          assert.deepEqual(scene.writes(), []);
          for (const where of ["general", "help"]) {
            scene.sim.permit({ in: where, to: "grace", what: hidden, as: "unset" });
          }
        } else {
          const stranger = scene.demo.people.edsger; // in another server
          const words = await scene.run(call, { by: stranger });
          assert.match(words, /^Error: .*not a member of that server/);
        }
        assert.match(await scene.run(call, isPrivate && { isDirect: true, isOwner: true }), tells);
        await then?.(scene, set);
        assert.equal(changesNothing(discord, call), scene.writes().length === 0);
        assert.ok(changesNothing(discord, { ...call, dryRun: true }));
        const isMade = scene.writes().some((one) => /^POST (?!.*\/expire)/.test(one));
        const mayRepeat = discord.isIdempotent && discord.mayRepeat?.(call);
        assert.equal(mayRepeat, !isMade && action !== "timeout", "whether it may run twice");
      }));
  }
});

const AT = { name: "a", startTime: "2030-01-01T00:00:00Z", description: "b", location: "c" };

describe("[T3] arguments of actions", () => {
  it("reach Discord, each of them", () =>
    withActions(async (scene) => {
      const { demo: { channels, world }, crew, permit, run, sim, target } = scene;
      const { category, voice, message: { id: messageId }, poll } = setUp(scene);
      permit(
        ...["manageChannels", "manageThreads", "moderateMembers", "banMembers"] as const,
        ...["createEvents", "createExpressions", "sendPolls"] as const,
      );
      const [{ id: channelId }, userId, parentId] = [channels.help, target.id, category.id];
      const thread = [...world.channels.values()].find(({ kind }) => kind === "thread")?.id;
      const all = { name: "a", topic: "b", parentId, isNsfw: true };
      const made = { name: "a", topic: "b", parent_id: parentId, nsfw: true };
      const asked = { question: { text: "a" }, answers: [{ poll_media: { text: "b" } }] };
      const { location, startTime, ...named } = AT;
      const event = { ...named, privacy_level: 2, scheduled_start_time: startTime };
      const [isThread, isBound] = [{ archived: true, locked: true }, { limit: "3" }];
      const around = { before: messageId, after: poll.id, channelIds: [channelId] };
      const rows: readonly (readonly [action: string, args: object, sent: object])[] = [
        ["threadList", { channelId, query: "a", archived: true, limit: 99 }, {
          ...{ name: "a", archived: "true", limit: "25" },
        }],
        ["threadList", { channelId, archived: true, limit: 1 }, { limit: "2" }],
        ["channelEdit", { channelId, ...all, slowmodeSec: 7 }, { ...made, rate_limit_per_user: 7 }],
        ["channelEdit", { channelId: thread, ...isThread }, isThread],
        ["channelMove", { channelId, parentId: "none", position: 0 }, {
          ...{ parent_id: null, position: 0 },
        }],
        ["channelCreate", { ...all, type: "voice" }, { ...made, type: 2 }],
        ["categoryCreate", { name: "a", position: 4 }, { name: "a", position: 4, type: 4 }],
        ["eventCreate", { ...named, startTime, channelId: voice.id }, {
          ...{ ...event, entity_type: 2, channel_id: voice.id },
        }],
        ["eventCreate", { ...AT, endTime: startTime }, {
          ...{ ...event, entity_type: 3, scheduled_end_time: startTime },
          entity_metadata: { location },
        }],
        ["timeout", { userId, minutes: 0 }, { communication_disabled_until: null }],
        ["ban", { userId, deleteDays: 2 }, { delete_message_seconds: 172_800 }],
        ["listPins", { limit: 99, pinnedBefore: startTime }, { limit: "50", before: startTime }],
        ["searchMessages", { authorIds: [userId], ...around }, {
          ...{ author_id: userId, channel_id: channelId, max_id: messageId, min_id: poll.id },
          limit: "25",
        }],
        ["searchMessages", { query: "a", limit: 3, channelIds: [channelId] }, {
          ...{ ...isBound, content: "a", channel_id: channelId },
        }],
        ["reactions", { messageId, emoji: "🦐", limit: 3 }, isBound],
        ["readMessages", { around: messageId, limit: 3 }, { ...isBound, around: messageId }],
        ["readMessages", { after: messageId, limit: 3 }, { ...isBound, after: messageId }],
        ["poll", { question: "a", answers: ["b"], multiselect: true, hours: 5, text: "c" }, {
          ...{ content: "c", poll: { ...asked, allow_multiselect: true, duration: 5 } },
        }],
        ["poll", { question: "a", answers: ["b"] }, {
          ...{ poll: { ...asked, allow_multiselect: false, duration: 24 } },
        }],
      ];
      for (const [action, args, sent] of rows) {
        const told = await run({ action, ...args });
        assert.doesNotMatch(told, /^Error/, action);
        const { query, body } = sim.requests.records().findLast(({ query, body }) =>
          body !== undefined || Object.keys(query).length > 0
        ) ?? assert.fail();
        const given = { ...query, ...Object(body) };
        for (const own of ["nonce", "enforce_nonce", "allowed_mentions"]) {
          delete given[own];
        }
        assert.deepEqual(given, sent, action);
      }
      const emoji = { action: "emojiUpload", name: "krill", mediaUrl: picture, roleIds: [crew.id] };
      assert.match(await run(emoji), /krill/);
      assert.deepEqual(Object(sim.requests.records().at(-1)?.body).roles, [crew.id]);
    }));

  it("that do not fit together are refused in words", () =>
    withActions(async (scene) => {
      const { demo: { channels, world }, permit, run, writes } = scene;
      const { category: { id: category }, message: { id: messageId } } = setUp(scene);
      permit("manageChannels", "manageRoles", "createEvents", "manageThreads");
      const { id: channelId } = channels.help;
      const thread = [...world.channels.values()].find(({ kind }) => kind === "thread")?.id;
      const [target, deny] = [{ channelId, targetId: "1" }, ["Connect"]];
      const rows: readonly (readonly [action: string, args: object, told: RegExp])[] = [
        ["channelDelete", { channelId: category }, /use categoryDelete/],
        ["categoryDelete", { channelId }, /is no category/],
        ["categoryEdit", { channelId, name: "a" }, /is no category/],
        ["channelEdit", { channelId: thread, topic: "a" }, /a thread has no `topic`/],
        ["channelEdit", { channelId, archived: true }, /only a thread has the field `archived`/],
        ["channelEdit", { channelId }, /give the fields to change/],
        ["poll", { question: "x", answers: [] }, /do not fit poll:[^]*answers/],
        ["memberInfo", { userId: "ada" }, /must be the id of a user/],
        ["channelPermissionSet", target, /give `allow` or `deny`/],
        ["channelPermissionSet", { ...target, allow: deny, deny }, /in `allow` and in `deny`/],
        ["channelPermissionSet", { ...target, channelId: thread, deny }, /has the permissions of/],
        ["eventCreate", { ...AT, channelId }, /not both/],
        ["eventCreate", { ...AT, location: undefined }, /not both/],
        ["eventCreate", AT, /needs `endTime`/],
        ["eventCreate", { ...AT, location: undefined, channelId }, /must be a voice or stage/],
        ["sendMessage", { text: "" }, /give `text`, `mediaUrl` or `embed`/],
        ["sendMessage", { text: "a", userId: "1", channelId }, /not both/],
        ["readMessages", { before: "1", after: "2" }, /give one of/],
        ["searchMessages", {}, /give `query`/],
        ["react", { messageId, emoji: "" }, /only with `remove`/],
        ["threadCreate", { title: "a", text: "a", tags: ["b"] }, /only posts of a forum/],
        ["threadList", { query: "a" }, /need `channelId`/],
        ["pollResults", { messageId }, /is no poll/],
        ["setPresence", { activityUrl: "https://a.example" }, /give `status`/],
      ];
      for (const [action, args, told] of rows) {
        assert.match(await run({ action, ...args }, { isOwner: true }), told, JSON.stringify(args));
      }
      assert.deepEqual(writes(), []);
    }));
});
