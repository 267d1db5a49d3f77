import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OTHER_EVENTS } from "../../../../src/discord/gateway/decode/decode.ts";
import type { ApplicationId } from "../../../../src/core/discord/ids.ts";
import { ACCOUNT, userId } from "../../../support/discord/builders.ts";
import { CHANNEL, GUILD } from "../../../support/discord/payloads.ts";
import { sameData } from "../../../support/same_data.ts";

const SELF = { userId: userId("900"), applicationId: "900" as ApplicationId, username: "krill" };
const FACTS = { accountId: ACCOUNT, self: SELF, index: new Map() };
const WHERE = { channel_id: CHANNEL, message_id: "5", guild_id: GUILD };
const ADA = { id: "123", username: "ada" };

const REACTION_TYPES = [
  "MESSAGE_REACTION_ADD",
  "MESSAGE_REACTION_REMOVE",
  "MESSAGE_REACTION_REMOVE_ALL",
  "MESSAGE_REACTION_REMOVE_EMOJI",
] as const;

function decode<Type extends keyof typeof OTHER_EVENTS>(t: Type, d: unknown) {
  return OTHER_EVENTS[t]({ t, s: 1, d }, FACTS);
}

/** A reaction as Discord describes it in a guild. */
const added = (fields: object = {}) => ({
  user_id: ADA.id,
  ...WHERE,
  member: { user: ADA, roles: ["7"] },
  emoji: { id: null, name: "👍" },
  message_author_id: SELF.userId,
  burst: false,
  type: 0,
  ...fields,
});

describe("[H5] a reaction", () => {
  it("decodes the person, the place and the emoji", () => {
    const event = decode("MESSAGE_REACTION_ADD", added());
    assert.ok(event?.kind === "reaction");
    sameData(event.sender, { id: "123", username: "ada", roles: [{ id: "7" }] });
    assert.equal(event.place.kind, "guild");
    const { change, messageId, emoji, on } = event;
    assert.deepEqual({ change, messageId, emoji, on }, {
      change: "added",
      messageId: "5",
      emoji: "👍",
      on: "own",
    });
  });

  it("decodes emojis of guilds, also deleted ones", () => {
    for (
      const [emoji, text] of [
        [{ id: "77", name: "party_blob" }, "<:party_blob:77>"],
        [{ id: "77", name: null }, "<:deleted:77>"],
        [{ id: null, name: "x".repeat(5_000) }, `${"x".repeat(63)}…`],
      ] as const
    ) {
      const event = decode("MESSAGE_REACTION_ADD", added({ emoji }));
      assert.equal(event?.kind === "reaction" && event.emoji, text);
    }
  });

  it("knows who wrote the message only if Discord tells", () => {
    for (const [author, on] of [["1", "other"], [undefined, "unknown"]] as const) {
      const event = decode("MESSAGE_REACTION_ADD", added({ message_author_id: author }));
      assert.equal(event?.kind === "reaction" && event.on, on);
    }
  });

  it("marks reactions of bots, and ignores the bot's own", () => {
    const bot = { user: { ...ADA, bot: true }, roles: [] };
    const event = decode("MESSAGE_REACTION_ADD", added({ member: bot }));
    assert.equal(event?.kind === "reaction" && event.sender.automaton, "bot");
    assert.equal(decode("MESSAGE_REACTION_ADD", added({ user_id: SELF.userId })), undefined);
  });

  it("takes no name and no roles from a member who is another user", () => {
    const member = { user: { id: "9", username: "owner" }, roles: [] };
    const event = decode("MESSAGE_REACTION_ADD", added({ member }));
    assert.equal(event?.kind === "reaction" && event.sender.username, "");
  });

  it("decodes removals and direct messages, which name the person by id only", () => {
    const { guild_id: _, ...direct } = WHERE;
    const removed = { user_id: ADA.id, ...direct, emoji: { id: null, name: "👍" } };
    const event = decode("MESSAGE_REACTION_REMOVE", removed);
    assert.ok(event?.kind === "reaction");
    assert.equal(event.change, "removed");
    assert.deepEqual(event.place, { kind: "dm" });
    sameData(event.sender, { id: "123", username: "", roles: [] });
  });

  it("decodes the removal of all reactions, and of those with one emoji", () => {
    sameData(decode("MESSAGE_REACTION_REMOVE_ALL", WHERE), {
      kind: "reactions_cleared",
      messageId: "5",
    });
    const one = { ...WHERE, emoji: { id: null, name: "👍" } };
    assert.deepEqual(decode("MESSAGE_REACTION_REMOVE_EMOJI", one), {
      kind: "reactions_cleared",
      messageId: "5",
      emoji: "👍",
    });
  });

  it("reports payloads that do not fit", () => {
    for (const type of REACTION_TYPES) assert.equal(decode(type, { x: 1 })?.kind, "problem");
  });
});

const deletedIn = (channelId: string, ...messageIds: readonly string[]) => ({
  kind: "messages_deleted",
  channelId,
  messageIds,
});
const deleted = (...messageIds: readonly string[]) => deletedIn(CHANNEL, ...messageIds);
const problem = (why: string) => ({ kind: "problem", why });

const cases: readonly [string, keyof typeof OTHER_EVENTS, unknown, unknown][] = [
  ["one message", "MESSAGE_DELETE", { id: "5", ...WHERE }, deleted("5")],
  ["a direct message", "MESSAGE_DELETE", { id: "5", channel_id: "6" }, deletedIn("6", "5")],
  ["several messages", "MESSAGE_DELETE_BULK", { ids: ["5", "6"], ...WHERE }, deleted("5", "6")],
  ["an empty list", "MESSAGE_DELETE_BULK", { ids: [], ...WHERE }, deleted()],
  ["no id", "MESSAGE_DELETE", { ...WHERE }, problem("id does not fit")],
  ["no ids", "MESSAGE_DELETE_BULK", { ids: ["private"] }, problem("ids do not fit")],
  ["nothing", "MESSAGE_DELETE", null, problem("id does not fit")],
];
for (const [what, t, d, expected] of cases) {
  it(`[P13] a deletion › decodes ${what}`, () => assert.deepEqual(decode(t, d), expected));
}

describe("[S7] members of a thread", () => {
  it("decodes people who join and leave", () => {
    const added_members = [{ id: "5", user_id: "7", flags: 1 }];
    assert.deepEqual(
      decode("THREAD_MEMBERS_UPDATE", {
        id: "5",
        guild_id: "1",
        added_members,
        removed_member_ids: ["8"],
      }),
      { kind: "thread_members_changed", threadId: "5", joined: ["7"], left: ["8"] },
    );
    const left = decode("THREAD_MEMBERS_UPDATE", { id: "5", removed_member_ids: ["8"] });
    assert.deepEqual(left?.kind === "thread_members_changed" && left.joined, []);
  });

  it("reports a payload that does not fit", () =>
    assert.equal(decode("THREAD_MEMBERS_UPDATE", {})?.kind, "problem"));
});
