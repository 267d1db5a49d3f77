import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { RoleId, UserId } from "../../../../src/core/discord/ids.ts";
import { toOverheard } from "../../../../src/core/inbound/inbound.ts";
import {
  decodeEdit,
  decodeMessage,
  namedRoles,
  senderOf,
} from "../../../../src/discord/gateway/decode/decode.ts";
import { decodeInteraction } from "../../../../src/discord/gateway/decode/decode_interaction.ts";
import { restoreIndex, snapshotOf } from "../../../../src/discord/gateway/decode/guild_index.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { ACCOUNT, roleId, userId } from "../../../support/discord/builders.ts";
import {
  ADA,
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

const [STAFF, DOCS, PLANS, SECRET] = [70, 71, 72, 73].map((end) => `17000000000000000${end}`);
const BOB = "1900000000000000055";
const VIEW = String(1n << 10n);
const denied = { id: GUILD, type: 0, allow: "0", deny: VIEW };
const allowed = { id: OTHER_ROLE, type: 0, allow: VIEW, deny: "0" };

const channel = (id: string | undefined, name: string, ...permission_overwrites: unknown[]) => ({
  id,
  type: 0,
  name,
  permission_overwrites,
});

const created = applyDispatch(new Map(), {
  t: "GUILD_CREATE",
  s: 2,
  d: guildData({
    roles: [
      { id: GUILD, name: "@everyone", permissions: VIEW },
      { id: OWN_ROLE, name: "Barnacle", permissions: "0", tags: { bot_id: SELF.userId } },
      { id: OTHER_ROLE, name: "Moderators", permissions: "0" },
    ],
    channels: [
      channel(CHANNEL, "help-desk"),
      channel(PLANS, "plans"),
      channel(STAFF, "staff", denied, allowed),
      channel(DOCS, "staff-docs", denied, allowed),
      channel(SECRET, "owners-only", denied),
    ],
    threads: [{ id: THREAD, type: 11, name: "a leak", parent_id: STAFF, thread_metadata: {} }],
  }),
}, SELF.userId).index;
const { index } = restoreIndex([...created.values()].map(snapshotOf));
const WRITER = { id: "1900000000000000056", username: "wren" };
const CONTEXT = { accountId: ACCOUNT, self: SELF, index, people: new Map<string, string>() };
decodeMessage(messageData({ author: WRITER, member: { roles: [], nick: "Wrenny" } }), CONTEXT);
const MANY = Array.from({ length: 40 }, (_, at) => `<#${at + 100}>`).join("");
const users = [{
  id: BOB,
  username: "bob",
  global_name: "Bob B",
  member: { roles: [], nick: "Bobby" },
}];

function read(fields: object): string {
  const event = decodeMessage(messageData({ mentions: users, ...fields }), CONTEXT);
  assert.ok(event?.kind === "message", JSON.stringify(event));
  return toOverheard(event).text;
}

describe("[H3] namesIn()", () => {
  const table: readonly [what: string, fields: object, shown: string][] = [
    ["a person by the name that people see", { content: `<@${BOB}>` }, `@Bobby (${BOB})`],
    ["the bot itself", { content: `<@${SELF.userId}> <@&${OWN_ROLE}>` }, "@you @you"],
    ["a role", { content: `<@&${OTHER_ROLE}>` }, `@Moderators (role ${OTHER_ROLE})`],
    ["no more than 40 ids", { content: `${MANY}<#${PLANS}>` }, `${MANY}<#${PLANS}>`],
    ["a channel that all see", { content: `<#${PLANS}>` }, `#plans (${PLANS})`],
    ["its own channel", { content: `<#${CHANNEL}>` }, `#help-desk (${CHANNEL})`],
    ["no hidden channel", { content: `<#${STAFF}>` }, `<#${STAFF}>`],
    ["no thread of a hidden one", { content: `<#${THREAD}>` }, `<#${THREAD}>`],
    ["it where it is seen", { content: `<#${DOCS}>`, channel_id: STAFF }, `#staff-docs (${DOCS})`],
    ["nothing that only some see", { content: `<#${SECRET}>`, channel_id: STAFF }, `<#${SECRET}>`],
    ["no role or channel in direct messages", {
      guild_id: undefined,
      content: `<#${PLANS}> <@&${OTHER_ROLE}>`,
    }, `<#${PLANS}> <@&${OTHER_ROLE}>`],
    ["a followed channel's public ones", {
      content: "<#99>",
      mention_channels: [{ id: "99", guild_id: "98", type: 0, name: "news" }],
    }, "#news (99)"],
    ["an embed", { content: "", embeds: [{ title: `<#${PLANS}>` }] }, `[embed: #plans (${PLANS})]`],
    ["people of a forward", {
      content: "",
      mentions: [],
      message_reference: { type: 1, message_id: "5", channel_id: "6" },
      message_snapshots: [{ message: { content: `<@${BOB}>`, mentions: users } }],
    }, `[forward: @Bobby (${BOB})]`],
    ["a person who wrote in the server", {
      content: "",
      embeds: [{ title: `<@${WRITER.id}>` }],
    }, `[embed: @Wrenny (${WRITER.id})]`],
    ["no one by a name of another place", {
      guild_id: undefined,
      content: `<@${WRITER.id}>`,
    }, `<@${WRITER.id}>`],
    ["nobody whom Discord does not name", { content: "<@77>", mentions: ["77"] }, "<@77>"],
  ];
  for (const [what, fields, shown] of table) {
    it(`names ${what}`, () => assert.equal(read(fields), shown));
  }

  it("names ids of a quote, and of a command's options", () => {
    const quoting = decodeMessage(
      messageData({
        type: 19,
        message_reference: { message_id: "5" },
        referenced_message: { content: `<@${BOB}>`, author: ADA, mentions: users },
      }),
      CONTEXT,
    );
    assert.deepEqual(quoting?.kind === "message" && quoting.names, { [`@${BOB}`]: "Bobby" });
    const value = `<@${BOB}> <@${WRITER.id}> <#${PLANS}> <#${STAFF}>`;
    const options = [{ name: "message", value }];
    const resolved = { users: { [BOB]: users[0] } };
    const names = commandIn({ data: { type: 1, name: "new", options, resolved } }).names;
    const writer = { [`@${WRITER.id}`]: "Wrenny" };
    assert.deepEqual(names, { [`@${BOB}`]: "Bobby", ...writer, [`#${PLANS}`]: "plans" });
  });
});

function commandIn(fields: object) {
  const call = decodeInteraction({
    id: "1450000000000000001",
    application_id: SELF.applicationId,
    type: 2,
    token: "t",
    guild_id: GUILD,
    channel_id: CHANNEL,
    member: { user: ADA, roles: [] },
    data: { type: 1, name: "new" },
    ...fields,
  }, CONTEXT);
  assert.ok(call?.kind === "slash", JSON.stringify(call));
  return call;
}

describe("[K6] cannotAnswer", () => {
  const bit = (...bits: readonly number[]) =>
    String(bits.reduce((sum, one) => sum | 1n << BigInt(one), 0n));
  const thread = (locked: boolean) => ({ id: CHANNEL, type: 11, thread_metadata: { locked } });
  const table: readonly [what: string, fields: object, boolean][] = [
    ["is unknown without the bot's permissions", {}, false],
    ["is not set where the bot may post", { app_permissions: bit(10, 11) }, false],
    ["is set without Send Messages", { app_permissions: bit(10, 38) }, true],
    ["is not set in direct messages, where Discord tells neither", {
      app_permissions: bit(14, 15, 17, 18),
      guild_id: undefined,
      user: ADA,
    }, false],
    ["is set without View Channel", { app_permissions: bit(11) }, true],
    ["is not set in a thread", { app_permissions: bit(10, 38), channel: thread(false) }, false],
    ["is set without that right in a thread", {
      app_permissions: bit(10, 11),
      channel: thread(false),
    }, true],
    ["is set in a locked thread", { app_permissions: bit(10, 38), channel: thread(true) }, true],
    ["is not for a moderator", { app_permissions: bit(10, 34, 38), channel: thread(true) }, false],
  ];
  for (const [what, fields, expected] of table) {
    it(what, () => assert.equal(commandIn(fields).cannotAnswer ?? false, expected));
  }
});

describe("[H6] decodeEdit()", () => {
  const BOT = { id: BOB, username: "other", discriminator: "1234", bot: true };
  const link = { content: "https://example.org", embeds: [{ title: "A title" }] };
  const table: readonly [string, Readonly<Record<string, unknown>>, string | undefined][] = [
    ["a preview", link, "message_edited"],
    ["a preview that its author removes", { content: "https://x.org", flags: 4 }, "message_edited"],
    ["a pin", { content: "hello", pinned: true }, undefined],
    ["an edit", { content: "hi", edited_timestamp: "2026-01-01T00:00:00Z" }, "message_edited"],
    ["[P11] a bot's late answer to a command", { type: 20, content: "hi", author: BOT }, "message"],
    ["a broken preview", { ...link, channel_id: "x" }, undefined],
  ];
  for (const [what, fields, kind] of table) {
    it(`reads ${what} as ${kind}`, () =>
      assert.equal(decodeEdit(messageData(fields), CONTEXT)?.kind, kind));
  }

  it("[P11] reads answers of other bots to commands, but none that is still empty", () => {
    for (const type of [20, 23]) {
      const answer = { type, author: BOT, interaction_metadata: { id: "1" } };
      const event = decodeMessage(messageData({ ...answer, content: "hi" }), CONTEXT);
      assert.ok(event?.kind === "message" && event.sender.automaton === "bot");
      assert.equal(decodeMessage(messageData({ ...answer, content: "" }), CONTEXT), undefined);
    }
  });
});

const UNKNOWN = roleId("1800000000000000099");
const SECOND = roleId("1800000000000000003");

type Roles = readonly { readonly id: RoleId; readonly name: string }[];

function guildWith(roles: Roles) {
  const d = guildData({ roles });
  const guild = applyDispatch(new Map(), { t: "GUILD_CREATE", s: 1, d }, SELF.userId).index.get(
    GUILD,
  );
  assert.ok(guild);
  return guild;
}

function after(roles: Roles, t: string, change: object) {
  const index = new Map([[GUILD, guildWith(roles)]]);
  const guild = applyDispatch(index, { t, s: 2, d: { guild_id: GUILD, ...change } }, SELF.userId)
    .index.get(GUILD);
  assert.ok(guild);
  return guild;
}

const MODERATORS = { id: OTHER_ROLE, name: "Moderators" };
const TWIN = { id: SECOND, name: "Moderators" };

describe("[P14] namedRoles()", () => {
  it("names a role with a unique name, and no unknown role", () => {
    sameData(namedRoles([OTHER_ROLE, UNKNOWN], guildWith([MODERATORS])), [
      MODERATORS,
      { id: UNKNOWN },
    ]);
    sameData(namedRoles([OTHER_ROLE]), [{ id: OTHER_ROLE }], "of an unknown guild");
  });

  it("names neither of two roles with the same name", () => {
    sameData(namedRoles([OTHER_ROLE, SECOND], guildWith([MODERATORS, TWIN])), [
      { id: OTHER_ROLE },
      { id: SECOND },
    ]);
  });

  const changes: readonly [string, Roles, string, object, unknown][] = [
    ["a second one is created", [MODERATORS], "GUILD_ROLE_CREATE", { role: TWIN }, undefined],
    [
      "another role gets the name",
      [MODERATORS, { id: OWN_ROLE, name: "x" }],
      "GUILD_ROLE_UPDATE",
      { role: { id: OWN_ROLE, name: "Moderators" } },
      undefined,
    ],
    ["that is deleted", [MODERATORS, TWIN], "GUILD_ROLE_DELETE", { role_id: SECOND }, "Moderators"],
    [
      "the second role is renamed",
      [MODERATORS, TWIN],
      "GUILD_ROLE_UPDATE",
      { role: { id: SECOND, name: "y" } },
      "Moderators",
    ],
    [
      "the role itself is renamed",
      [MODERATORS],
      "GUILD_ROLE_UPDATE",
      { role: { id: OTHER_ROLE, name: "Mods" } },
      "Mods",
    ],
  ];
  for (const [what, before, t, change, name] of changes) {
    it(`follows at once if ${what}`, () => {
      const guild = after(before, t, change);
      assert.equal(namedRoles([OTHER_ROLE], guild)[0]?.name, name);
      const restored = restoreIndex([snapshotOf(guild)]).index.get(GUILD);
      assert.equal(namedRoles([OTHER_ROLE], restored)[0]?.name, name, "and after a restart");
    });
  }

  it("gives each name to one role at most, for any roles", () => {
    const names = fc.array(fc.constantFrom("a", "A", "b", "@everyone", ""), { maxLength: 12 });
    fc.assert(fc.property(names, (all) => {
      const roles = all.map((name, n) => ({ id: roleId(String(n + 1)), name }));
      const named = namedRoles(roles.map(({ id }) => id), guildWith(roles));
      for (const [n, { name }] of named.entries()) {
        const count = all.filter((other) => other === all[n]).length;
        assert.equal(name, count === 1 ? all[n] : undefined);
      }
    }));
  });
});

describe("[P13] senderOf()", () => {
  const id: UserId = userId("7");

  it("leaves out fields without a value", () => {
    sameData(senderOf({ id, username: "ada" }, {}), { id, username: "ada", roles: [] });
  });

  it("keeps a webhook's application", () => {
    const { applicationId } = SELF;
    sameData(senderOf({ id, username: "ada" }, { automaton: "webhook", applicationId }), {
      id,
      username: "ada",
      roles: [],
      automaton: "webhook",
      applicationId,
    });
  });
});
