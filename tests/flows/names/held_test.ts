import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId, GuildId } from "../../../src/core/discord/ids.ts";
import type { Named } from "../../../src/core/inbound/inbound.ts";
import { heldNames } from "../../../src/flows/names/held.ts";
import { withNames } from "../../../src/policy/rules/pinned.ts";
import type { AccessPolicy, GuildRules } from "../../../src/policy/rules/rules.ts";
import { channelId, guildMessage, guildPlace } from "../../support/discord/builders.ts";
import { admit, CHANNEL, GUILD, guild, policy } from "../../policy/policies.ts";

const KRILL: Named<GuildId> = { id: GUILD, name: "Krill & Co" };
const OFF_TOPIC: Named<ChannelId> = { id: CHANNEL, name: "off-topic" };
const DENIED = { channels: { "off-topic": { allow: false }, "*": {} } };

const within = (rules: Partial<GuildRules>, key: string = GUILD): AccessPolicy =>
  policy({ guilds: { [key]: guild(rules) } });
const held = (rules: AccessPolicy, channel?: Named<ChannelId>) =>
  heldNames(rules, KRILL, channel, 5);
const why = (rules: AccessPolicy, channel: Named<ChannelId>) =>
  admit(guildMessage({ mention: "user", place: guildPlace({ guild: KRILL, channel }) }), rules).why;

describe("[P12] heldNames()", () => {
  it("keeps the denial on a channel that is renamed before its name is resolved", () => {
    const rules = within(DENIED);
    const chat = { id: CHANNEL, name: "chat" };
    assert.equal(why(rules, chat), "mentioned");
    const names = held(rules, OFF_TOPIC);
    assert.deepEqual(names, [{
      kind: "channel",
      id: CHANNEL,
      name: "off-topic",
      guildId: GUILD,
      typed: "off-topic",
      at: 5,
    }]);
    const after = withNames(rules, names);
    assert.equal(why(after, chat), "channel-disabled");
    assert.equal(why(after, { id: channelId("9"), name: "off-topic" }), "channel-disabled");
  });

  it("finds the entry of the guild by id, by name and by *", () => {
    for (const key of [GUILD, "krill-co", "Krill & Co", "*"]) {
      assert.equal(held(within(DENIED, key), OFF_TOPIC).length, 1, key);
    }
    assert.deepEqual(held(within(DENIED, "elsewhere"), OFF_TOPIC), []);
  });

  it("leaves names alone that no entry has, or that have an id", () => {
    assert.deepEqual(held(within(DENIED), { id: CHANNEL, name: "help" }), []);
    const other = { kind: "channel", id: channelId("9"), name: "off-topic", at: 1 } as const;
    const resolved = withNames(within(DENIED), [{
      ...other,
      guildId: GUILD,
      typed: "off-topic",
    }]);
    const open = withNames(within({ channels: { "off-topic": {}, "*": {} } }), [{
      ...other,
      guildId: GUILD,
      typed: "off-topic",
    }]);
    assert.deepEqual(held(open, OFF_TOPIC), []);
    assert.deepEqual(held(resolved, { id: other.id, name: "off-topic" }), []);
  });

  it("denies each of several channels that had a denied name", () => {
    const second = { id: channelId("9"), name: "off-topic" };
    const rules = within(DENIED);
    const names = [...held(rules, OFF_TOPIC)];
    names.push(...held(withNames(rules, names), second));
    const after = withNames(rules, names);
    for (const { id } of [OFF_TOPIC, second]) {
      assert.equal(why(after, { id, name: "chat" }), "channel-disabled", id);
    }
    assert.equal(why(after, { id: channelId("10"), name: "chat" }), "mentioned");
  });

  it("gives access to the first channel of a name only, also after the entry denied", () => {
    const channels = { "off-topic": { requireMention: false }, "*": {} };
    const [first, second] = [CHANNEL, channelId("9")].map((id, at) => {
      return { kind: "channel", id, guildId: GUILD, typed: "off-topic", name: "", at } as const;
    });
    assert.ok(first && second);
    const { guilds } = withNames(within({ channels }), [second, first]);
    assert.deepEqual(guilds?.[GUILD]?.channels?.["off-topic"]?.pinned?.get(GUILD), [CHANNEL]);
  });

  it("holds nothing without *, because a rename then opens nothing", () => {
    const channels = { "off-topic": {}, help: { enabled: false } };
    assert.deepEqual(held(within({ channels }), OFF_TOPIC), []);
    assert.deepEqual(held(within({ channels: {} }, "krill-co")), []);
    assert.deepEqual(held(policy()), []);
  });

  it("holds a guild's name, too", () => {
    const guilds = { "krill-co": guild({ channels: {} }), "*": guild() };
    assert.deepEqual(held(policy({ guilds })), [
      { kind: "guild", id: GUILD, name: "Krill & Co", typed: "krill-co", at: 5 },
    ]);
  });
});
