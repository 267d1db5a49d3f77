import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import {
  type DecodeContext,
  decodeHistory,
  decodeMessage,
  withRoles,
} from "../../../../src/discord/gateway/decode/decode.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import {
  ADA,
  BARNACLE,
  CHANNEL,
  GUILD,
  guildData,
  messageData,
  OTHER_ROLE,
  OWN_ROLE,
  SELF,
  THREAD,
} from "../../../support/discord/payloads.ts";
import { sameData } from "../../../support/same_data.ts";

const CONTEXT: DecodeContext = {
  accountId: ACCOUNT,
  self: SELF,
  index: applyDispatch(new Map(), { t: "GUILD_CREATE", s: 2, d: guildData() }, SELF.userId).index,
};
const BOT = { id: "1900000000000000009", username: "other", discriminator: "1234", bot: true };
const MENTION = `<@${SELF.userId}>`;

function decoded(fields: Readonly<Record<string, unknown>> = {}): InboundMessage {
  const event = decodeMessage(messageData(fields), CONTEXT);
  assert.ok(event?.kind === "message", JSON.stringify(event));
  return event;
}

describe("[P2] decodeMessage()", () => {
  it("decodes a guild's message with all its names", () => {
    sameData(decoded(), {
      kind: "message",
      accountId: ACCOUNT,
      id: "1400000000000000001",
      revision: 0,
      channelId: CHANNEL,
      guildId: GUILD,
      place: {
        kind: "guild",
        guild: { id: GUILD, name: "Friends" },
        channel: { id: CHANNEL, name: "help-desk" },
        topic: "ask here",
      },
      sender: { id: ADA.id, username: "ada", roles: [{ id: OTHER_ROLE, name: "Moderators" }] },
      displayName: "Countess",
      text: "hello",
      sentAt: 1_753_856_410_742,
      mentionsOthers: false,
      extras: [],
    });
  });

  const places: readonly [string, Readonly<Record<string, unknown>>, unknown][] = [
    ["a direct message by its lack of a guild", { guild_id: undefined, member: undefined }, {
      kind: "dm",
    }],
    ["a direct message with an unknown channel type", { guild_id: null, channel_type: 99 }, {
      kind: "dm",
    }],
    ["a group DM by its channel's type", { guild_id: undefined, channel_type: 3 }, {
      kind: "group_dm",
    }],
    ["a thread with its parent", { channel_id: THREAD }, {
      kind: "guild",
      guild: { id: GUILD, name: "Friends" },
      channel: { id: CHANNEL, name: "help-desk" },
      thread: { id: THREAD, name: "a leak" },
      topic: "ask here",
    }],
    ["an unknown channel by its id", { channel_id: "1700000000000000099" }, {
      kind: "guild",
      guild: { id: GUILD, name: "Friends" },
      channel: { id: "1700000000000000099", name: "1700000000000000099" },
      isUnknown: true,
    }],
    ["an unknown guild by its id", { guild_id: "1600000000000000099" }, {
      kind: "guild",
      guild: { id: "1600000000000000099", name: "1600000000000000099" },
      channel: { id: CHANNEL, name: CHANNEL },
      isUnknown: true,
    }],
  ];
  for (const [name, fields, place] of places) {
    it(`recognises ${name}`, () => sameData(decoded(fields).place, place));
  }

  const threads: readonly [string, Readonly<Record<string, unknown>>, unknown][] = [
    ["whose parent is unknown", { channels: [] }, {
      kind: "guild",
      guild: { id: GUILD, name: "Friends" },
      channel: { id: CHANNEL, name: CHANNEL },
      thread: { id: THREAD, name: "a leak" },
      isUnknown: true,
    }],
    ["that names no parent", { threads: [{ id: THREAD, type: 11, name: "help-desk" }] }, {
      kind: "guild",
      guild: { id: GUILD, name: "Friends" },
      channel: { id: THREAD, name: "help-desk" },
      isUnknown: true,
    }],
  ];
  for (const [name, fields, place] of threads) {
    it(`[P7] marks as unknown a thread ${name}`, () => {
      const { index } = applyDispatch(
        new Map(),
        { t: "GUILD_CREATE", s: 2, d: guildData(fields) },
        undefined,
      );
      const event = decodeMessage(messageData({ channel_id: THREAD }), { ...CONTEXT, index });
      assert.ok(event?.kind === "message");
      sameData(event.place, place);
    });
  }

  it("does not treat a category as the parent of a thread", () => {
    const category = "1700000000000000007";
    const channels = [
      { id: category, type: 4, name: "Support" },
      { id: CHANNEL, type: 0, name: "help-desk", parent_id: category },
    ];
    const d = guildData({ channels, threads: [] });
    const { index } = applyDispatch(new Map(), { t: "GUILD_CREATE", s: 2, d }, SELF.userId);
    const event = decodeMessage(messageData(), { ...CONTEXT, index });
    assert.ok(event?.kind === "message" && event.place.kind === "guild");
    assert.deepEqual(event.place.channel, { id: CHANNEL, name: "help-desk" });
    assert.equal(event.place.thread, undefined);
  });

  it("treats a message with a guild as the guild's for any channel type", () => {
    for (const channel_type of [1, 3]) assert.equal(decoded({ channel_type }).place.kind, "guild");
  });
});

describe("[P14] decodeMessage()", () => {
  it("[P14] names known roles, and no unknown ones", () => {
    const { sender } = decoded({ member: { roles: [OTHER_ROLE, "1800000000000000099"] } });
    sameData(sender.roles, [{ id: OTHER_ROLE, name: "Moderators" }, { id: "1800000000000000099" }]);
  });

  const applications: readonly [what: string, fields: object, expected: string | undefined][] = [
    ["a webhook of an application", { webhook_id: "1", application_id: "466" }, "466"],
    ["a webhook that a person created", { webhook_id: "1" }, undefined],
    ["a webhook without an application", { webhook_id: "1", application_id: null }, undefined],
    [
      "a webhook with a malformed application id",
      { webhook_id: "1", application_id: "pk;466" },
      undefined,
    ],
    ["a bot's answer to a command", { author: BOT, application_id: "466" }, undefined],
    ["a person's message that names one", { application_id: "466" }, undefined],
  ];
  for (const [what, fields, expected] of applications) {
    it(`[P13] finds the application of ${what}: ${expected}`, () => {
      assert.equal(decoded({ ...fields }).sender.applicationId, expected);
    });
  }

  const senders: readonly [
    string,
    Readonly<Record<string, unknown>>,
    { automaton: string | undefined; tag: string | undefined; username: string },
  ][] = [
    ["a bot", { author: BOT }, { automaton: "bot", tag: "other#1234", username: "other" }],
    ["a webhook", { author: { ...ADA, bot: true }, webhook_id: "1" }, {
      automaton: "webhook",
      tag: undefined,
      username: "ada",
    }],
    ["Discord itself", { author: { ...ADA, system: true } }, {
      automaton: "bot",
      tag: undefined,
      username: "ada",
    }],
    ["an account with a tag", { author: { ...ADA, discriminator: "0042" } }, {
      automaton: undefined,
      tag: "ada#0042",
      username: "ada",
    }],
  ];
  for (const [name, fields, { automaton, tag, username }] of senders) {
    it(`[P11] recognises ${name}`, () => {
      const { sender } = decoded(fields);
      assert.deepEqual([sender.automaton, sender.tag, sender.username], [automaton, tag, username]);
    });
  }

  it("[P4] gives policy no display names and nicknames, but the model one", () => {
    const { displayName, ...judged } = decoded();
    assert.equal(displayName, "Countess");
    assert.doesNotMatch(JSON.stringify(judged), /Countess/);
    const nameless = { author: { ...ADA, global_name: "ada" }, member: { roles: [], nick: null } };
    assert.equal(decoded(nameless).displayName, undefined);
  });
});

describe("[M2] decodeMessage()", () => {
  const reply = (author: unknown, fields: Readonly<Record<string, unknown>> = {}) => ({
    type: 19,
    message_reference: { message_id: "1400000000000000000", type: 0 },
    referenced_message: { author, content: "earlier" },
    ...fields,
  });
  const cases: readonly [string, Readonly<Record<string, unknown>>, string | undefined][] = [
    ["nothing", {}, undefined],
    ["the bot's mention", { content: `${MENTION} hi`, mentions: [BARNACLE] }, "user"],
    ["its old form", { content: `<@!${SELF.userId}>`, mentions: [BARNACLE] }, "user"],
    ["a mention that Discord does not confirm", { content: `\`${MENTION}\`` }, undefined],
    ["the bot's own role", { mention_roles: [OWN_ROLE] }, "role"],
    ["another role", { mention_roles: [OTHER_ROLE] }, undefined],
    ["@everyone", { mention_everyone: true, content: "@everyone" }, undefined],
    ["another user", { mentions: [ADA] }, undefined],
    ["a reply to the bot", reply(BARNACLE, { mentions: [BARNACLE] }), "reply"],
    ["a reply to the bot without a ping", reply(BARNACLE), "reply"],
    ["a reply to another user", reply(ADA), undefined],
    [
      "a reply to the bot that also mentions it",
      reply(BARNACLE, { content: MENTION, mentions: [BARNACLE] }),
      "user",
    ],
    [
      "a reply whose original Discord did not load, but whose author it lists",
      reply(BARNACLE, { referenced_message: undefined, mentions: [BARNACLE] }),
      "reply",
    ],
    [
      "such a reply of a bot",
      reply(BARNACLE, { author: BOT, referenced_message: undefined, mentions: [BARNACLE] }),
      undefined,
    ],
    ["a bot's reply", reply(BARNACLE, { author: BOT, mentions: [BARNACLE] }), undefined],
    [
      "a bot's reply with a mention",
      reply(BARNACLE, { author: BOT, content: MENTION, mentions: [BARNACLE] }),
      "user",
    ],
    ["a webhook's reply", reply(BARNACLE, { webhook_id: "1", mentions: [BARNACLE] }), undefined],
  ];
  for (const [name, fields, mention] of cases) {
    it(`finds ${mention ?? "no"} mention in ${name}`, () => {
      assert.equal(decoded(fields).mention, mention);
    });
  }

  it("[M4] distinguishes mentions of others from mentions of the bot", () => {
    assert.equal(decoded({ mentions: [BARNACLE] }).mentionsOthers, false);
    assert.equal(decoded({ mention_roles: [OWN_ROLE] }).mentionsOthers, false);
    assert.equal(decoded({ mentions: [BARNACLE, ADA] }).mentionsOthers, true);
    assert.equal(decoded({ mention_roles: [OTHER_ROLE] }).mentionsOthers, true);
  });
});

describe("[H3] decodeMessage()", () => {
  it("quotes the message that a reply answers", () => {
    const { quoted } = decoded({
      type: 19,
      message_reference: { message_id: "1400000000000000000" },
      referenced_message: {
        author: BARNACLE,
        content: "see",
        attachments: [{ filename: "a.png", content_type: "image/png", size: 12_345 }],
      },
    });
    sameData(quoted, {
      id: "1400000000000000000",
      author: { id: SELF.userId, tag: "barnacle#0042" },
      text: "see\n[attachment: a.png (image/png, 12.3 kB)]",
    });
  });

  it("shows that the quoted message is deleted", () => {
    const deleted = {
      type: 19,
      message_reference: { message_id: "1400000000000000000" },
      referenced_message: null,
    };
    assert.deepEqual(decoded(deleted).quoted, { id: "1400000000000000000", text: "" });
  });

  it("[H9] shows a forward of an age-restricted channel only in such channels", () => {
    const restricted = "1700000000000000009";
    const index = applyDispatch(CONTEXT.index, {
      t: "CHANNEL_CREATE",
      s: 3,
      d: { id: restricted, guild_id: GUILD, type: 0, name: "adults", nsfw: true },
    }, SELF.userId).index;
    const forward = {
      message_reference: { type: 1, message_id: "1", channel_id: restricted, guild_id: GUILD },
      message_snapshots: [{
        message: {
          content: "canary",
          attachments: [{ id: "5", filename: "c.png", url: "https://cdn.test/c.png", size: 5 }],
        },
      }],
    };
    const reply = {
      type: 19,
      content: "look",
      message_reference: { message_id: "2", channel_id: CHANNEL, guild_id: GUILD },
      referenced_message: { author: ADA, content: "", attachments: [], embeds: [], ...forward },
    };
    for (const fields of [forward, reply]) {
      const shownIn = (channel_id: string, guilds = index, from = restricted) => {
        const data = JSON.stringify(messageData({ channel_id, ...fields }));
        const event = decodeMessage(JSON.parse(data.replaceAll(restricted, from)), {
          ...CONTEXT,
          index: guilds,
        });
        assert.ok(event?.kind === "message");
        return JSON.stringify([event.extras, event.attachments ?? [], event.quoted ?? {}]);
      };
      assert.doesNotMatch(shownIn(CHANNEL), /canary|c\.png/);
      assert.match(shownIn(CHANNEL), /age-restricted/);
      const archived = "1700000000000000010";
      assert.doesNotMatch(shownIn(CHANNEL, index, archived), /canary|c\.png/);
      assert.match(shownIn(CHANNEL, CONTEXT.index, archived), /canary[^]*c\.png/);
      assert.match(shownIn(CHANNEL, index, THREAD), /canary[^]*c\.png/);
      assert.match(
        JSON.stringify(decodeMessage(messageData({ ...fields, channel_id: restricted }), {
          ...CONTEXT,
          index,
        })),
        /canary[^]*c\.png/,
      );
    }
  });

  it("[T13a] shows no words of a person's own account, in quotes and forwards", () => {
    const attachments = [{ id: "5", filename: "canary.md", url: "https://cdn.test/c.md", size: 5 }];
    const answer = { content: "canary\n-# 🔒\n-# ✓ done", attachments };
    const card = {
      content: "",
      components: [{ type: 10, content: "-# 🔒" }, { type: 10, content: "canary" }],
    };
    const forward = (message: object) => ({
      message_reference: { type: 1, message_id: "1", channel_id: CHANNEL, guild_id: GUILD },
      message_snapshots: [{ message }],
    });
    const replyTo = (message: object, author: object = { ...BARNACLE, bot: true }) => ({
      type: 19,
      message_reference: { message_id: "2", channel_id: CHANNEL, guild_id: GUILD },
      referenced_message: { author, content: "", ...message },
    });
    const shown = (fields: Parameters<typeof decoded>[0]) => JSON.stringify(decoded(fields));
    for (const message of [answer, card]) {
      for (const fields of [forward(message), replyTo(message), replyTo(forward(message), ADA)]) {
        assert.doesNotMatch(shown(fields), /canary/);
        assert.match(shown(fields), /not shown: it is from a person's own account/);
      }
    }
    // No person can hide their own message so.
    assert.match(shown(replyTo(answer, ADA)), /canary[^]*canary\.md/);
    assert.match(shown(replyTo({ content: "canary 🔒" })), /canary/);
  });

  it("[H9] takes the announcement of a poll's result as context, and never as a mention", () => {
    const result = {
      type: 46,
      content: "",
      mentions: [{ id: SELF.userId }],
      embeds: [{ type: "poll_result", fields: [{ name: "poll_question_text", value: "Tea?" }] }],
    };
    const message = decoded(result);
    assert.equal(message.isAnnouncement, true);
    assert.match(message.extras[0]?.text ?? "", /Tea\?/);
    assert.equal(decodeMessage(messageData({ ...result, author: BARNACLE }), CONTEXT), undefined);
    assert.equal(decoded().isAnnouncement, undefined);
  });

  it("does not treat a forwarded message as a quote", () => {
    const message = decoded({
      content: "",
      message_reference: { type: 1, message_id: "1400000000000000000" },
      message_snapshots: [{ message: { content: "from elsewhere", attachments: [] } }],
    });
    assert.equal(message.quoted, undefined);
    assert.deepEqual(message.extras, [{ kind: "forward", text: "from elsewhere" }]);
  });

  it("keeps a message with malformed embeds and other extras", () => {
    const odd = { embeds: "none", attachments: [{}], poll: 3, sticker_items: null };
    assert.deepEqual(decoded(odd).extras, []);
  });
});

describe("[D1] decodeMessage()", () => {
  it("recognises our own message by its nonce", () => {
    const own = decodeMessage(messageData({ author: BARNACLE, nonce: "abc" }), CONTEXT);
    sameData(own, {
      kind: "own_message",
      accountId: ACCOUNT,
      id: "1400000000000000001",
      channelId: CHANNEL,
      nonce: "abc",
    });
    const bare = decodeMessage(messageData({ author: BARNACLE }), CONTEXT);
    assert.ok(bare?.kind === "own_message" && bare.nonce === undefined);
  });

  const answers: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ["an answer to a slash command", { interaction_metadata: { id: "1" }, webhook_id: "1" }],
    ["a follow-up", { type: 19, interaction_metadata: { id: "1" } }],
    ["a post of our webhook", { webhook_id: SELF.applicationId }],
  ];
  for (const [name, fields] of answers) {
    it(`[G11] [P11] marks ${name}, which proves no second program, and counts`, () => {
      const own = decodeMessage(messageData({ author: BARNACLE, ...fields }), CONTEXT);
      assert.ok(own?.kind === "own_message" && own.toInteraction);
    });
  }

  const announcements: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ["a pin", { type: 6 }],
    ["a thread's beginning", { type: 21 }],
    ["the message type of a command's answer", { type: 20 }],
  ];
  for (const [name, fields] of announcements) {
    it(`[G11] suspects no second program for ${name}`, () => {
      const own = messageData({ author: BARNACLE, ...fields });
      assert.equal(decodeMessage(own, CONTEXT), undefined);
    });
  }

  it("[G11] does not treat a null as an interaction", () => {
    const own = messageData({ author: BARNACLE, interaction_metadata: null, webhook_id: null });
    const event = decodeMessage(own, CONTEXT);
    assert.ok(event?.kind === "own_message" && !event.toInteraction);
  });
});

describe("[P1] decodeMessage()", () => {
  for (const type of [1, 6, 7, 18, 24, 999]) {
    it(`ignores Discord's own announcement of type ${type}`, () => {
      assert.equal(decodeMessage(messageData({ type }), CONTEXT), undefined);
    });
  }

  const misfits: readonly unknown[] = [
    null,
    "text",
    [],
    {},
    messageData({ id: "0" }),
    messageData({ id: 1400000000000000001 }),
    messageData({ author: undefined }),
    messageData({ guild_id: "private words" }),
    messageData({ member: { roles: ["private words"] } }),
  ];
  for (const [i, d] of misfits.entries()) {
    it(`reports a message with an unexpected shape as a problem: ${i}`, () => {
      const event = decodeMessage(d, CONTEXT);
      assert.equal(event?.kind, "problem");
      assert.doesNotMatch(JSON.stringify(event), /private words|hello/);
    });
  }
});

describe("[G6] decodeHistory()", () => {
  it("[P5] takes from its caller whether a direct channel is a group", () => {
    const { guild_id: _, member: __, ...direct } = messageData();
    for (const [isGroup, kind] of [[true, "group_dm"], [false, "dm"]] as const) {
      const event = decodeHistory(direct, undefined, CONTEXT, isGroup);
      assert.ok(event?.kind === "message");
      assert.equal(event.place.kind, kind);
    }
  });

  it("takes the guild from its caller, because Discord leaves it out", () => {
    const { guild_id: _, member: __, ...bare } = messageData();
    const event = decodeHistory(bare, GUILD, CONTEXT);
    assert.ok(event?.kind === "message");
    assert.equal(event.guildId, GUILD);
    assert.equal(event.place.kind, "guild");
    assert.deepEqual(event.sender.roles, []);
  });

  it("[P14] takes the sender's roles from its caller, because Discord leaves them out", () => {
    const { member: _, ...bare } = messageData();
    const event = decodeHistory(bare, GUILD, CONTEXT);
    assert.ok(event?.kind === "message");
    const live = decoded({ member: { roles: [OTHER_ROLE] } }); // a history tells no nickname
    assert.deepEqual(withRoles(event, [OTHER_ROLE], CONTEXT.index), live);
  });

  it("marks messages that were edited before they were read", () => {
    const edited = messageData({ edited_timestamp: "2025-07-30T10:01:00.000000+00:00" });
    const event = decodeHistory(edited, GUILD, CONTEXT);
    assert.ok(event?.kind === "message");
    assert.equal(event.revision, Date.parse("2025-07-30T10:01:00Z"));
  });
});
