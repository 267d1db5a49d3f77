/** Tests the one rule of effects: no one sees one who may not read the turn's place, without a card. */

import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { may } from "../../../simulator/world/access.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { enter } from "../../../simulator/world/voice_states.ts";
import type { Message, TextChannel } from "../../../simulator/world/world.ts";
import { ACTIONS, discord } from "../../../src/tools/discord/discord.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import { cases } from "../../support/long_form.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { type ActionScene, pressedBy, withActions } from "./actions_harness.ts";

const AT = Date.UTC(2026, 0, 2);
const NEEDS_PRESS = /not everyone who would see this/;
const WHEN = { startTime: "2030-01-01T00:00:00Z", endTime: "2030-01-01T01:00:00Z" };

interface Target {
  readonly channel: Pick<TextChannel, "id">;
  readonly message: Pick<Message, "id">;
}

/** A call of each action with an effect, at a channel or, where it says so, at its server. */
const CALLS: Readonly<Record<string, (at: Target) => object>> = {
  sendMessage: ({ channel }) => ({ channelId: channel.id, text: "word" }),
  editMessage: ({ channel, message }) => ({
    ...{ channelId: channel.id, messageId: message.id, text: "word" },
  }),
  deleteMessage: ({ channel, message }) => ({ channelId: channel.id, messageId: message.id }),
  forwardMessage: ({ channel, message }) => ({ messageId: message.id, toChannelId: channel.id }),
  react: ({ channel, message }) => ({ channelId: channel.id, messageId: message.id, emoji: "🇦" }),
  sticker: ({ channel }) => ({ channelId: channel.id, stickerIds: ["7"] }),
  emojiUpload: () => ({ name: "word", mediaUrl: "https://cdn.example/x.png" }),
  stickerUpload: () => ({
    ...{ name: "word", description: "word", emoji: "🦐", mediaUrl: "https://cdn.example/x.png" },
  }),
  poll: ({ channel }) => ({ channelId: channel.id, question: "word", answers: ["a"] }),
  pollEnd: ({ channel, message }) => ({ channelId: channel.id, messageId: message.id }),
  pinMessage: ({ channel, message }) => ({ channelId: channel.id, messageId: message.id }),
  unpinMessage: ({ channel, message }) => ({ channelId: channel.id, messageId: message.id }),
  threadCreate: ({ channel, message }) => ({
    ...{ channelId: channel.id, messageId: message.id, title: "word" },
  }),
  threadReply: ({ channel }) => ({ channelId: channel.id, text: "word" }),
  channelCreate: () => ({ name: "word" }),
  categoryCreate: () => ({ name: "word" }),
  channelEdit: ({ channel }) => ({ channelId: channel.id, slowmodeSec: 5 }),
  channelMove: ({ channel }) => ({ channelId: channel.id, position: 3 }),
  channelDelete: ({ channel }) => ({ channelId: channel.id }),
  categoryEdit: ({ channel }) => ({ channelId: channel.id, name: "word" }),
  categoryDelete: ({ channel }) => ({ channelId: channel.id }),
  channelPermissionSet: ({ channel }) => ({
    ...{ channelId: channel.id, targetId: "1", deny: ["Embed Links"] },
  }),
  channelPermissionRemove: ({ channel }) => ({ channelId: channel.id, targetId: "1" }),
  roleAdd: () => ({ userId: "1", roleId: "2" }),
  roleRemove: () => ({ userId: "1", roleId: "2" }),
  eventCreate: () => ({ name: "word", location: "quay", ...WHEN }),
  timeout: () => ({ userId: "1", minutes: 3 }),
  kick: () => ({ userId: "1" }),
  ban: () => ({ userId: "1" }),
  unban: () => ({ userId: "1" }),
  setPresence: () => ({ status: "idle" }),
  undo: () => ({ id: 1 }),
};

/** Actions that happen in these scenes, at the channel or at the server. */
const AT_CHANNEL = ["sendMessage", "forwardMessage", "react", "poll", "pinMessage", "threadCreate"]
  .concat("threadReply", "channelEdit", "channelMove");
const AT_SERVER = ["emojiUpload", "channelCreate", "categoryCreate", "eventCreate"];

async function channelNamed({ sim, api, demo: { world, krill } }: ActionScene, name: string) {
  const channel = addChannel(world, krill, { name }, AT);
  const message = sim.say({ as: "ada", in: name, text: "hello" });
  await api.request("PUT", `/channels/${channel.id}/messages/pins/${message.id}`);
  return { channel, message };
}

describe("[T4] every effect", () => {
  it("has a place and a text to show, for each action and each tool", () => {
    const at = { channel: { id: "5" }, message: { id: "6" } } as unknown as Target;
    const message = guildMessage();
    const { seenAt } = discord;
    assert.ok(seenAt !== "nowhere");
    const acting = ACTIONS.filter((one) => one.seenAt !== "nowhere").map(({ name }) => name);
    assert.deepEqual(acting.toSorted(), Object.keys(CALLS).toSorted());
    for (const [action, given] of Object.entries(CALLS)) {
      assert.ok(seenAt(discord.input.parse({ action, ...given(at) }), message), action);
    }
    const seen = TOOLS.filter((one) => one.seenAt !== "nowhere").map(({ name }) => name);
    assert.deepEqual(seen.toSorted(), ["discord", "send_file", "voice"]);
  });

  const overwrite = fc.record({
    to: fc.constantFrom("@everyone", "officers", "helpers", "grace", "mallory", "ada"),
    what: fc.constant("viewChannel" as const),
    as: fc.constantFrom("allowed" as const, "denied" as const),
  });

  it("is seen only by people who may read the turn's place, or asks (law)", async () => {
    let [done, asked] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(overwrite, { maxLength: 4 }),
        fc.array(overwrite, { maxLength: 4 }),
        fc.constantFrom("grace" as const, "ada" as const),
        fc.constantFrom(...AT_CHANNEL, ...AT_SERVER),
        fc.boolean(),
        (atPlace, atTarget, who, action, isHook) =>
          withActions(async (scene) => {
            const { sim, run, writes, demo: { world, krill, people } } = scene;
            const [place, target] = [
              await channelNamed(scene, "place"),
              await channelNamed(scene, "target"),
            ];
            atPlace.forEach((one) => sim.permit({ ...one, in: "place" }));
            atTarget.forEach((one) => sim.permit({ ...one, in: "target" }));
            const message = action === "forwardMessage" ? place.message : target.message;
            const given = { action, ...CALLS[action]?.({ ...target, message }) };
            const before = writes().length;
            const text = "post https://cdn.example/x.png"; // the address of an emoji
            const asking = { by: people[who], isOwner: true, isHook, place: place.channel, text };
            const told = await run(given, { ...asking, decision: undefined });
            const isDone = writes().length > before || /This test sends no text/.test(told);
            if (isDone) done++;
            if (NEEDS_PRESS.test(told)) asked++;
            const sees = (one: TextChannel, id: typeof people.ada.id) =>
              may(world, world.channels.get(one.id) ?? one, id, "view");
            for (const { id } of isDone ? [people.ada, people.grace, people.mallory] : []) {
              const isReader = !AT_CHANNEL.includes(action) || sees(target.channel, id);
              assert.ok(!isReader || sees(place.channel, id), `${id} sees ${told}`);
            }
            const isOpen = atPlace.every(({ as }) => as === "allowed");
            assert.ok(!isOpen || isHook || !NEEDS_PRESS.test(told), "no card where all may read");
            assert.ok(krill);
          }),
      ),
      {
        numRuns: cases(60, 600),
        examples: [
          [[], [], "grace", "pinMessage", false],
          [[{ to: "@everyone", what: "viewChannel", as: "denied" }], [], "grace", "react", false],
        ],
      },
    );
    assert.ok(done > 0 && asked > 0, "both ends were played");
  });

  /** #staff, which grace sees and mallory does not, with all rights for grace. */
  async function staffOf(scene: ActionScene) {
    const { sim, demo: { world, krill, channels, people } } = scene;
    const { channel: place } = await channelNamed(scene, "staff");
    sim.permit({ in: "staff", to: "@everyone", what: "viewChannel", as: "denied" });
    sim.permit({ in: "staff", to: "grace", what: "viewChannel", as: "allowed" });
    const message = sim.say({ as: "ada", in: "help", text: "hello" });
    const calls = [...world.channels.values()].find(({ name }) => name === "voice");
    assert.ok(calls && "kind" in calls && calls.kind === "voice");
    for (const userId of [people.grace.id, scene.demo.barnacle.userId]) {
      const session = { sessionId: "s", selfMute: false, selfDeaf: false };
      enter(world, krill, calls, { userId, ...session });
    }
    return { place, message, calls, to: { channelId: channels.help.id } };
  }

  it("carries no bit of a private place by words, emojis, names, orders, times or speech", () =>
    withActions(async (scene) => {
      const { run, writes, target, crew, demo: { channels, people } } = scene;
      const { place, message: { id: messageId }, calls, to } = await staffOf(scene);
      scene.permit("manageRoles", "moderateMembers");
      const text = `what is in <#${channels.help.id}>? a b c, one two three`;
      const attacks: readonly object[] = [
        ...["a", "b", "one", "one two"].map((letter) => ({
          ...{ action: "sendMessage", ...to, text: letter },
        })),
        ...["🇦", "🇧"].map((emoji) => ({ action: "react", ...to, messageId, emoji })),
        { action: "react", ...to, messageId, emoji: "🇦", remove: true },
        ...["pinMessage", "unpinMessage"].map((action) => ({ action, ...to, messageId })),
        ...[{ name: "a" }, { topic: "a" }, { slowmodeSec: 5 }, { isNsfw: true }].map((change) => ({
          ...{ action: "channelEdit", ...to, ...change },
        })),
        { action: "channelMove", ...to, position: 2 },
        { action: "threadCreate", ...to, messageId, title: "a" },
        { action: "eventCreate", name: "a", location: "quay", ...WHEN },
        { action: "eventCreate", name: "a", channelId: calls.id, ...WHEN },
        { action: "timeout", userId: target.id, minutes: 7 },
        { action: "roleAdd", userId: target.id, roleId: crew.id },
        { action: "emojiUpload", name: "abc", mediaUrl: "https://cdn.example/x.png" },
        { action: "setPresence", status: "idle" },
        { action: "sendMessage", userId: target.id, text: "a" },
        { action: "undo" },
        { speech: { action: "say", text: "a" } },
        { speech: { action: "join" } },
        { speech: { action: "leave" } },
      ];
      const asking = { place, isOwner: true, text, decision: undefined };
      const before = writes();
      for (const args of attacks) {
        for (const isHook of [false, true]) {
          const told = await run(args, { ...asking, isHook });
          assert.match(told, NEEDS_PRESS, JSON.stringify(args));
        }
      }
      assert.deepEqual(writes(), before);
      // An owner's press is none of the asker's, and the asker's lets it happen.
      const say = { speech: { action: "say", text: "a" } };
      const byAda = { ...asking, decision: pressedBy(people.ada) };
      assert.match(await run(say, byAda), NEEDS_PRESS);
      const byGrace = { ...asking, decision: pressedBy(people.grace) };
      assert.match(await run(say, byGrace), /in no voice channel/);
      // Everyone who hears it reads #general, or is heard in the same place.
      assert.match(await run(say, { decision: undefined }), /in no voice channel/);
      assert.match(await run(say, { place: calls, decision: undefined }), /in no voice channel/);
    }));

  it("is at a voice channel's name for all who see the channel, also without Connect", () =>
    withActions(async (scene) => {
      const { run, demo: { world, krill, people } } = scene;
      const { calls: place } = await staffOf(scene);
      const asking = { place, isOwner: true, by: people.grace, decision: undefined };
      const edit = { action: "channelEdit", name: "a" };
      const event = { action: "eventCreate", name: "a", channelId: place.id, ...WHEN };
      for (const call of [edit, event]) assert.doesNotMatch(await run(call, asking), NEEDS_PRESS);
      const [of, connect] = [{ kind: "role", allow: 0n, deny: 0n } as const, 1n << 20n];
      const overwrites = [
        { ...of, id: krill.id, deny: connect },
        { ...of, kind: "member" as const, id: people.grace.id, allow: connect },
      ];
      world.channels.set(place.id, { ...place, overwrites });
      for (const call of [edit, event]) assert.match(await run(call, asking), NEEDS_PRESS);
      const post = { action: "sendMessage", text: "a" };
      assert.match(
        await run(post, asking),
        /sends no text/,
        "its messages are for those who enter",
      );
    }));

  it("needs no card if it is the asker's own text, once in a turn, for a place that they name", () =>
    withActions(async (scene) => {
      const { run, demo: { channels, people } } = scene;
      const { place, to } = await staffOf(scene);
      const post = { action: "sendMessage", ...to, text: "dinner at eight" };
      const text = `post "dinner at eight" in <#${channels.help.id}>`;
      const asking = { place, text, decision: undefined };
      const isSent = /sends no text/;
      assert.match(await run(post, asking), isSent);
      assert.match(await run({ action: "channelEdit", ...to, name: post.text }, asking), /Manage/);
      const other = { action: "sendMessage", ...to, text: "other words of theirs" };
      assert.match(await run(post, { ...asking, before: [other] }), isSent);
      for (
        const [args, own] of [
          [post, { before: [post] }],
          [{ ...post, text: "dinner at" }, {}],
          [{ ...post, text: "eight at dinner" }, {}],
          [{ ...post, replyTo: "1" }, {}],
          [{ ...post, embed: { title: post.text } }, {}],
          [post, { text: text.replace(channels.help.id, `${channels.help.id}1`) }],
          [post, { text: "dinner at eight" }],
          [post, { isHook: true }],
          [post, { also: people.ada, text: "" }],
        ] as const
      ) {
        assert.match(await run(args, { ...asking, ...own }), NEEDS_PRESS, JSON.stringify(args));
      }
    }));

  it("is a request to an address, unless the asker has written all of it", () =>
    withActions(async ({ run, demo: { people } }) => {
      const from = "https://cdn.example/a.png";
      for (
        const [text, mediaUrl, own, asks] of [
          [`post <${from}>`, from, {}, false],
          [`post [it](${from})`, ` ${from} `, {}, false],
          [`post ${from}`, "image:1", {}, false],
          ["post a.png", from, {}, true],
          [`post ${from}b`, from, {}, true],
          [`post ${from}`, `${from}?b`, {}, true],
          [`post ${from}`, "HTTPS://cdn.example/b", {}, true],
          [`post ${from}`, from, { isHook: true }, true],
          [from, `${from}`, { also: people.ada, text: "" }, true],
        ] as const
      ) {
        const asking = { text, decision: undefined, ...own };
        const told = await run({ action: "sendMessage", mediaUrl }, asking);
        assert.equal(NEEDS_PRESS.test(told), asks, `${text} ${mediaUrl}: ${told}`);
      }
    }));

  it("is on one card for each place of an answer, which the asker alone may press", () =>
    withActions(async (scene) => {
      const { askAs, run, demo: { channels, people } } = scene;
      const { place, to } = await staffOf(scene);
      const calls = ["a", "b"].map((text) => ({ action: "sendMessage", ...to, text }));
      const other = { action: "sendMessage", channelId: channels.general.id, text: "c" };
      const [first = {}, second = {}] = calls;
      const card = await askAs(first, { place, before: [second, other] });
      assert.equal(card?.exact, calls.map((one) => `discord ${JSON.stringify(one)}`).join("\n"));
      assert.equal(card.covers?.length, 1);
      assert.deepEqual(card.asked, [people.grace.id]);
      assert.match(JSON.stringify(card.facts), new RegExp(`<#${channels.help.id}>`));
      const decision = { ...pressedBy(people.grace), answer: { choice: "deny" } };
      assert.match(await run(first, { place, decision }), /a person said no/);
    }));
});
