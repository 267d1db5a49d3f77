/** Reads each dispatch in the forms of servers that are not Discord (G16). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../../src/core/discord/ids.ts";
import { createReader } from "../../../../src/discord/gateway/read/reader.ts";
import { snapshotOf } from "../../../../src/discord/gateway/decode/guild_index.ts";
import { droppedParts } from "../../../../src/core/discord/lenient.ts";
import {
  ADA,
  BARNACLE,
  CHANNEL,
  GUILD,
  guildData,
  messageData,
  OTHER_ROLE,
  OWN_ROLE,
  pressData,
  SELF,
} from "../../../support/discord/payloads.ts";
import {
  type FieldPath,
  idsAsNumbers,
  nameOf,
  ODD,
  pathsOf,
  withField,
} from "../../../support/discord/forms.ts";

type Data = Readonly<Record<string, unknown>>;

const READY = {
  session_id: "s1",
  resume_gateway_url: "wss://gateway.discord.gg",
  user: { id: SELF.userId, username: SELF.username, bot: true },
  application: { id: SELF.applicationId, flags: 0 },
  guilds: [{ id: GUILD, unavailable: true }],
  shard: [0, 1],
  v: 10,
};
const MEMBER = { user: { ...ADA, bot: false }, roles: [OTHER_ROLE], permissions: "8", nick: null };
const MENTION = messageData({
  content: `<@${SELF.userId}> hello`,
  mentions: [{ ...BARNACLE, member: { roles: [OWN_ROLE] } }],
  attachments: [{
    id: "1410000000000000001",
    filename: "a.txt",
    size: 5,
    url: "https://x.example/a",
  }],
  embeds: [{
    type: "rich",
    title: "t",
    fields: [{ name: "n", value: "v" }],
    footer: { text: "f" },
  }],
  sticker_items: [{ id: "1420000000000000001", name: "wave", format_type: 1 }],
  poll: { question: { text: "Tea?" }, answers: [{ answer_id: 1, poll_media: { text: "yes" } }] },
  components: [{ type: 1, components: [{ type: 2, label: "ok", custom_id: "x" }] }],
  nonce: "123",
  reactions: [],
});
const REPLY = messageData({
  type: 19,
  content: "and now?",
  message_reference: { message_id: "1390000000000000001", channel_id: CHANNEL, guild_id: GUILD },
  referenced_message: messageData({ id: "1390000000000000001", author: BARNACLE, content: "42" }),
});

/** What a batch leads to: the decisions' facts, without words for people and models. */
function outcomeOf(type: string, json: string): unknown {
  const problems: unknown[] = [];
  const reader = createReader({ accountId: toAccountId("default"), guilds: [] }, (problem) => {
    problems.push(problem);
  });
  let ticket = 0;
  const read = (text: string) =>
    reader.read({ text, shardId: 0, ticket: ++ticket, arrivedAt: 0, seq: ticket } as never);
  const dispatch = (t: string, d: unknown) => `[${JSON.stringify({ t, s: ++ticket, op: 0, d })}]`;
  if (type !== "READY") {
    read(dispatch("READY", READY));
    if (type !== "GUILD_CREATE") read(dispatch("GUILD_CREATE", guildData()));
  }
  const { events } = read(`[{"t":"${type}","s":99,"op":0,"d":${json}}]`);
  const guild = reader.index.get(GUILD);
  return {
    self: reader.self?.userId,
    problems,
    events: events.map((event) => facts(event)),
    guild: type.startsWith("MESSAGE") || type.startsWith("INTER") ? undefined : guild && {
      channels: [...guild.channels.keys()],
      parents: [...guild.channels.values()].map(({ parentId }) => parentId),
      roles: [...guild.roles.keys()],
      isStored: snapshotOf(guild).text !== undefined,
    },
  };
}

/** The fields of an event that decide: not the texts of extras, and not display names. */
function facts(event: unknown): unknown {
  const {
    kind,
    id,
    messageId,
    channelId,
    guildId,
    sender,
    mention,
    mentionsOthers,
    revision,
    message,
    token,
    applicationId,
    customId,
    name,
    place,
    quoted,
    text,
    messageIds,
    self,
  } = event as Record<string, unknown> as Record<string, unknown> & { name?: string };
  const person = sender as
    | { id: string; roles: readonly { id: string }[]; automaton?: string }
    | undefined;
  const where = place as
    | { kind: string; isAgeRestricted?: true; thread?: { id: string } }
    | undefined;
  return {
    ids: [
      kind,
      id,
      messageId,
      channelId,
      guildId,
      messageIds,
      (self as { userId?: string } | undefined)?.userId,
    ],
    sender: person && [person.id, person.roles.map((role) => role.id), person.automaton],
    mention,
    mentionsOthers,
    isEdited: revision === undefined ? undefined : Number(revision) > 0,
    edit: message && facts(message),
    press: [token, applicationId, customId, kind === "slash" ? name : undefined],
    place: where && [where.kind, where.isAgeRestricted, where.thread?.id],
    quotes: (quoted as { author?: { id: string } } | undefined)?.author?.id,
    text,
  };
}

interface Case {
  readonly what: string;
  readonly type: string;
  readonly data: Data;
  /** Fields without which the decision would be another one. Fields within them are needed, too. */
  readonly needed: readonly string[];
}

const OF_MESSAGE = [
  "id",
  "channel_id",
  "guild_id",
  "author.id",
  "author.bot",
  "author",
  "member.roles",
  "member.roles.*",
  "member",
  "type",
  "content",
  "webhook_id",
];

const CASES: readonly Case[] = [
  {
    what: "a READY",
    type: "READY",
    data: READY,
    needed: [
      "session_id",
      "user",
      "user.id",
      "guilds",
      "guilds.*",
      "guilds.*.id",
      "shard",
      "shard.*",
      "application",
      "application.id",
    ],
  },
  {
    what: "a GUILD_CREATE",
    type: "GUILD_CREATE",
    data: guildData(),
    needed: [
      "id",
      "unavailable",
      "roles",
      "roles.*",
      "roles.*.id",
      "channels",
      "channels.*",
      "channels.*.id",
      "channels.*.type",
      "threads",
      "threads.*",
      "threads.*.id",
      "threads.*.type",
      "threads.*.parent_id",
      "channels.*.parent_id",
      "threads.*.thread_metadata.archived",
    ],
  },
  {
    what: "a message with a mention",
    type: "MESSAGE_CREATE",
    data: MENTION,
    needed: [
      ...OF_MESSAGE,
      "mentions",
      "mentions.*",
      "mentions.*.id",
      "mention_roles",
      "edited_timestamp",
    ],
  },
  {
    what: "a reply",
    type: "MESSAGE_CREATE",
    data: REPLY,
    needed: [
      ...OF_MESSAGE,
      "mentions",
      "mention_roles",
      "edited_timestamp",
      "message_reference",
      "message_reference.message_id",
      "referenced_message",
      "referenced_message.author",
      "referenced_message.author.id",
    ],
  },
  {
    what: "an edit",
    type: "MESSAGE_UPDATE",
    data: { ...MENTION, edited_timestamp: "2025-07-30T10:00:05.000000+00:00" },
    needed: [
      ...OF_MESSAGE,
      "mentions",
      "mentions.*",
      "mentions.*.id",
      "mention_roles",
      "edited_timestamp",
    ],
  },
  {
    what: "a deletion",
    type: "MESSAGE_DELETE",
    data: { id: "1400000000000000001", channel_id: CHANNEL, guild_id: GUILD },
    needed: ["id", "channel_id"],
  },
  {
    what: "a press of a button",
    type: "INTERACTION_CREATE",
    data: pressData({
      guild_id: GUILD,
      channel_id: CHANNEL,
      member: MEMBER,
      user: undefined,
      channel: { id: CHANNEL, type: 0, name: "help-desk" },
      entitlements: [],
      locale: "de",
    }),
    needed: [
      "id",
      "type",
      "token",
      "guild_id",
      "channel_id",
      "member",
      "member.user",
      "member.user.id",
      "member.user.bot",
      "member.roles",
      "member.roles.*",
      "data",
      "data.custom_id",
      "data.component_type",
      "message",
      "message.id",
      "application_id",
      "authorizing_integration_owners",
      "user",
    ],
  },
  {
    what: "a command",
    type: "INTERACTION_CREATE",
    data: {
      id: "1450000000000000002",
      type: 2,
      token: "t",
      application_id: SELF.applicationId,
      guild_id: GUILD,
      channel_id: CHANNEL,
      member: MEMBER,
      data: {
        id: "1460000000000000001",
        type: 1,
        name: "status",
        options: [{ name: "a", type: 3, value: "b" }],
        resolved: {},
      },
      context: 0,
    },
    needed: [
      "id",
      "type",
      "token",
      "guild_id",
      "channel_id",
      "member",
      "member.user",
      "member.user.id",
      "member.user.bot",
      "member.roles",
      "member.roles.*",
      "data",
      "data.name",
      "data.type",
      "application_id",
    ],
  },
  {
    what: "a reaction",
    type: "MESSAGE_REACTION_ADD",
    data: {
      user_id: ADA.id,
      channel_id: CHANNEL,
      message_id: "1400000000000000001",
      guild_id: GUILD,
      member: MEMBER,
      emoji: { id: null, name: "👍" },
      message_author_id: SELF.userId,
      burst: false,
      type: 0,
    },
    needed: [
      "user_id",
      "channel_id",
      "message_id",
      "guild_id",
      "member",
      "member.roles",
      "member.roles.*",
      "member.user",
      "member.user.id",
      "member.user.bot",
      "emoji",
    ],
  },
];

const isNeeded = (needed: readonly string[], path: FieldPath) => needed.includes(nameOf(path));

describe("[G16] the readers of dispatches", () => {
  for (const { what, type, data, needed } of CASES) {
    const right = outcomeOf(type, JSON.stringify(data));

    it(`decide the same about ${what}, whatever stands in a field that no decision needs`, () => {
      assert.deepEqual((right as { problems: unknown }).problems, []);
      const paths = pathsOf(data).filter((path) => !isNeeded(needed, path));
      assert.ok(paths.length > 0);
      for (const path of paths) {
        for (const odd of ODD) {
          const json = JSON.stringify(withField(data, path, odd));
          assert.deepEqual(outcomeOf(type, json), right, `${nameOf(path)}: ${JSON.stringify(odd)}`);
        }
      }
    });

    it(`decide the same about ${what} with numbers for ids`, () => {
      const { id } = data as { id?: string };
      const json = idsAsNumbers(data);
      assert.ok(id === undefined || !json.includes(`"${id}"`));
      assert.deepEqual(outcomeOf(type, json), right);
    });
  }

  it("decide the same about messages with objects for roles, ids for mentions and digits for numbers", () => {
    const right = outcomeOf("MESSAGE_CREATE", JSON.stringify(MENTION));
    const other = {
      ...MENTION,
      type: "0",
      member: { roles: [{ id: OTHER_ROLE, name: "Moderators", permissions: 8 }] },
      mentions: [SELF.userId],
      mention_roles: null,
    };
    assert.deepEqual(outcomeOf("MESSAGE_CREATE", JSON.stringify(other)), right);
  });

  it("take an odd mark of a bot or a webhook for one", () => {
    const senderOf = (fields: Data) => {
      const outcome = outcomeOf("MESSAGE_CREATE", JSON.stringify({ ...MENTION, ...fields }));
      const { events: [event] } = outcome as { events: readonly { sender: readonly unknown[] }[] };
      return event?.sender[2];
    };
    assert.equal(senderOf({}), undefined);
    for (const bot of [1, "true", {}]) assert.equal(senderOf({ author: { ...ADA, bot } }), "bot");
    for (const bot of [0, "false", null]) {
      assert.equal(senderOf({ author: { ...ADA, bot } }), undefined);
    }
    for (const id of [1, "x", {}]) assert.equal(senderOf({ webhook_id: id }), "webhook");
  });

  it("never let unreadable roles, places or senders pass", () => {
    for (
      const path of [["member", "roles"], ["guild_id"], ["author", "id"], ["channel_id"], ["id"]]
    ) {
      for (const odd of ["odd words", {}, [{}], -1]) {
        const outcome = outcomeOf("MESSAGE_CREATE", JSON.stringify(withField(MENTION, path, odd)));
        assert.deepEqual(
          (outcome as { events: unknown }).events,
          [],
          `${path}: ${JSON.stringify(odd)}`,
        );
      }
    }
  });

  it("count the dropped parts", () => {
    const before = droppedParts();
    outcomeOf("MESSAGE_CREATE", JSON.stringify({ ...MENTION, embeds: [{}, 5], poll: "x" }));
    assert.equal(droppedParts() - before, 2);
  });

  it("take the roles of an edit without a member from the person's message", () => {
    const reader = createReader({ accountId: toAccountId("default"), guilds: [] }, () => {});
    const read = (t: string, d: unknown, s: number) =>
      reader.read({
        text: `[${JSON.stringify({ t, s, op: 0, d })}]`,
        shardId: 0,
        ticket: s,
        arrivedAt: 0,
        seq: s,
      } as never).events;
    read("READY", READY, 1);
    read("GUILD_CREATE", guildData(), 2);
    read("MESSAGE_CREATE", MENTION, 3);
    const edit = { ...MENTION, member: undefined, edited_timestamp: "2025-07-30T10:00:05+00:00" };
    const [event] = read("MESSAGE_UPDATE", edit, 4);
    assert.ok(event?.kind === "message_edited");
    assert.deepEqual(event.message.sender.roles.map(({ id }) => id), [OTHER_ROLE]);
  });
});
