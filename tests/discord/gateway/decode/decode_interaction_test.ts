import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ButtonPress } from "../../../../src/core/inbound/inbound.ts";
import { decodeInteraction } from "../../../../src/discord/gateway/decode/decode_interaction.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import {
  ADA,
  CHANNEL,
  GUILD,
  guildData,
  OTHER_ROLE,
  pressData,
  SELF,
} from "../../../support/discord/payloads.ts";
import { sameData } from "../../../support/same_data.ts";

const CONTEXT = {
  accountId: ACCOUNT,
  index: applyDispatch(new Map(), { t: "GUILD_CREATE", s: 2, d: guildData() }, SELF.userId).index,
};
const IN_GUILD = {
  guild_id: GUILD,
  channel_id: CHANNEL,
  channel: { id: CHANNEL, type: 0, name: "another-name" },
  member: { user: ADA, roles: [OTHER_ROLE], permissions: "8" },
  user: undefined,
};

function decoded(fields: Readonly<Record<string, unknown>> = {}): ButtonPress {
  const press = decodeInteraction(pressData(fields), CONTEXT);
  assert.ok(press?.kind === "button", JSON.stringify(press));
  return press;
}

describe("[P3] [K5] decodeInteraction()", () => {
  it("decodes a button in direct messages", () => {
    sameData(decoded(), {
      kind: "button",
      accountId: ACCOUNT,
      id: "1450000000000000001",
      token: "aW50ZXJhY3Rpb246dGVzdA",
      applicationId: SELF.applicationId,
      customId: "approve-1",
      messageId: "1400000000000000077",
      channelId: "1700000000000000055",
      place: { kind: "dm" },
      sender: { id: ADA.id, username: "ada", roles: [] },
    });
  });

  it("[P14] decodes a button in a guild, with its place and the user's roles", () => {
    const { guildId, channelId, place, sender } = decoded(IN_GUILD);
    assert.deepEqual([guildId, channelId], [GUILD, CHANNEL]);
    sameData(place, {
      kind: "guild",
      guild: { id: GUILD, name: "Friends" },
      channel: { id: CHANNEL, name: "help-desk" },
      topic: "ask here",
    });
    sameData(sender, {
      id: ADA.id,
      username: "ada",
      roles: [{ id: OTHER_ROLE, name: "Moderators" }],
    });
  });

  it("[P5] recognises a group DM, and its name if it has one", () => {
    const named = decoded({ channel: { id: "1", type: 3, name: "crew" } });
    assert.deepEqual(named.place, { kind: "group_dm", name: "crew" });
    const nameless = decoded({ channel: { id: "1", type: 3, name: null } });
    sameData(nameless.place, { kind: "group_dm" });
  });

  it("[P2] decodes an interaction with a guild as the guild's, despite its other fields", () => {
    const { place, sender } = decoded({ ...IN_GUILD, guild_id: "1600000000000000099", user: ADA });
    assert.ok(place.kind === "guild");
    assert.equal(place.isUnknown, true);
    sameData(sender.roles, [{ id: OTHER_ROLE }], "without names in an unknown guild");
  });

  it("[P11] recognises a bot", () => {
    assert.equal(decoded({ user: { ...ADA, bot: true } }).sender.automaton, "bot");
  });

  // The gateway thread has deferred each of them, so each must get an answer.
  const commands: readonly [what: string, data: unknown, name: string, options: object][] = [
    [
      "with its options",
      { id: "1", type: 1, name: "x", options: [{ name: "all", type: 5, value: true }] },
      "x",
      { all: true },
    ],
    ["of the context menu", { id: "1", type: 3, name: "Ask" }, "", {}],
    ["without a kind", { id: "1", name: "status" }, "", {}],
    ["without options", { id: "1", type: 1, name: "status", options: null }, "status", {}],
    ["a subcommand", { id: "1", type: 1, name: "x", options: [{ name: "s", type: 1 }] }, "x", {}],
    [
      "with options of an unexpected shape",
      { id: "1", type: 1, name: "x", options: [7, { name: "days", type: 4, value: 7 }] },
      "x",
      { days: 7 },
    ],
  ];
  for (const [what, data, name, options] of commands) {
    it(`[K1] [K5] decodes a command ${what}`, () => {
      const call = decodeInteraction(pressData({ type: 2, data, message: undefined }), CONTEXT);
      assert.ok(call?.kind === "slash", JSON.stringify(call));
      assert.deepEqual([call.name, call.options, call.sender.id], [name, options, ADA.id]);
    });
  }

  it("[K3] knows whether the user may manage messages in the channel", () => {
    const managing = (permissions: unknown) =>
      decoded({ ...IN_GUILD, member: { ...IN_GUILD.member, permissions } }).managesMessages;
    assert.equal(managing("8192"), true);
    assert.equal(managing("8"), undefined);
    assert.equal(managing("18446744073709551615"), true);
    assert.equal(managing("none"), undefined);
    assert.equal(decoded().managesMessages, undefined);
  });

  it("decodes a select menu with its choices", () => {
    const data = { component_type: 3, custom_id: "ask:1", values: ["red", "blue"] };
    const use = decodeInteraction(pressData({ data }), CONTEXT);
    assert.ok(use?.kind === "select", JSON.stringify(use));
    assert.deepEqual([use.customId, use.values], ["ask:1", ["red", "blue"]]);
  });

  it("decodes a modal's text in a label or in an action row", () => {
    const text = { type: 4, custom_id: "text", value: "high at noon" };
    for (const field of [{ type: 18, component: text }, { type: 1, components: [text] }]) {
      const data = { custom_id: "ask:2", components: [{ type: 10, content: "Tell me" }, field] };
      const use = decodeInteraction(pressData({ type: 5, data, message: undefined }), CONTEXT);
      assert.ok(use?.kind === "modal", JSON.stringify(use));
      assert.equal(use.text, "high at noon");
    }
  });

  it("[K2] decodes the option that a person types, also of a subcommand", () => {
    const path = { name: "path", type: 3, value: "com", focused: true };
    const data = {
      id: "1",
      type: 1,
      name: "config",
      options: [{ name: "get", type: 1, options: [path] }],
    };
    const typing = decodeInteraction(pressData({ type: 4, data, message: undefined }), CONTEXT);
    assert.ok(typing?.kind === "typing", JSON.stringify(typing));
    assert.deepEqual([typing.name, typing.subcommand, typing.typed], [
      "config",
      "get",
      { option: "path", text: "com" },
    ]);
  });

  const targets: readonly [rule: string, content: string, isOwn: boolean, text: string][] = [
    ["K6", "high at noon", false, "high at noon"],
    ["T13a", "high\n-# 🔒", true, "(not shown: it is from a person's own account)"],
  ];
  for (const [rule, content, bot, text] of targets) {
    it(`[${rule}] decodes a command of a message's menu: ${JSON.stringify(content)}`, () => {
      const author = { id: "1400000000000000099", username: "grace", bot };
      const message = { id: "1400000000000000098", content, author };
      const resolved = { messages: { [message.id]: message } };
      const data = { id: "1", type: 3, name: "Ask Barnacle", target_id: message.id, resolved };
      const call = decodeInteraction(pressData({ type: 2, data, message: undefined }), CONTEXT);
      assert.ok(call?.kind === "slash", JSON.stringify(call));
      assert.deepEqual([call.name, call.target?.id, call.target?.text], [
        data.name,
        message.id,
        text,
      ]);
    });
  }

  it("[K6] takes the place of a user install for a direct one, without roles", () => {
    const data = { id: "1", type: 1, name: "status" };
    const owners = { authorizing_integration_owners: { 1: "5" } };
    const call = decodeInteraction(pressData({ type: 2, data, ...owners }), CONTEXT);
    assert.ok(call?.kind === "slash", JSON.stringify(call));
    assert.deepEqual([call.place, call.isElsewhere, call.sender.roles, call.guildId], [
      { kind: "dm" },
      true,
      [],
      undefined,
    ]);
  });

  const others: readonly [what: string, fields: Readonly<Record<string, unknown>>][] = [
    ["a ping", { type: 1, data: undefined }],
    ["a component of an unknown kind", { data: { component_type: 99 } }],
    ["an interaction of an unknown kind", { type: 99, data: 7 }],
  ];
  for (const [what, fields] of others) {
    it(`skips ${what}`, () => {
      assert.equal(decodeInteraction(pressData(fields), CONTEXT), undefined);
    });
  }

  const misfits: readonly [what: string, d: unknown, why: string][] = [
    ["nothing", null, "the interaction does not fit"],
    ["no kind", {}, "type does not fit"],
    ["no token", pressData({ token: undefined }), "token does not fit"],
    ["no message", pressData({ message: undefined }), "message does not fit"],
    ["a malformed id", pressData({ id: "../x" }), "id does not fit"],
    ["no custom id", pressData({ data: { component_type: 2 } }), "data.custom_id does not fit"],
    ["no user", pressData({ user: undefined }), "the sender does not fit"],
    ["a guild without a member", pressData({ guild_id: GUILD }), "the sender does not fit"],
    [
      "malformed roles",
      pressData({ ...IN_GUILD, member: { user: ADA, roles: ["mods"] } }),
      "member.roles.0 does not fit",
    ],
  ];
  for (const [what, d, why] of misfits) {
    it(`[K5] names the field and not its content: ${what}`, () => {
      const { id, token, application_id: applicationId } = pressData();
      const webhook = { kind: "unread", id, token, applicationId, isThinking: false };
      const isAnswered = !/^(?:id|token|type|the interaction) /.test(why);
      const expected = isAnswered ? { ...webhook, why } : { kind: "problem", why };
      assert.deepEqual(decodeInteraction(d, CONTEXT), expected);
    });
  }
});
