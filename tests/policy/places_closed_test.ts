import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prepareClosedBy } from "../../src/policy/admission.ts";
import type { AccessPolicy, ChannelRules } from "../../src/policy/rules.ts";
import { channelId, guildPlace, sender } from "../support/discord/builders.ts";
import { ADA, BOB, CHANNEL, entries, GUILD, guild, policy } from "./policies.ts";

const HERE = `channels.discord.guilds.${GUILD}`;

const inGuild = (channels?: Readonly<Record<string, ChannelRules>>) =>
  policy({ guilds: { [GUILD]: guild(channels && { channels }) } });

const thread = guildPlace({ thread: { id: channelId("1400000000000000012"), name: "t" } });

const closedIn = (rules: AccessPolicy, { id = BOB, isOwner = false, place = guildPlace() } = {}) =>
  prepareClosedBy(rules)({ channelId: CHANNEL, place, sender: sender({ id }), isOwner });

describe("[T5] prepareClosedBy()", () => {
  const inHelp = `${HERE}.channels`;
  const cases: readonly [string, AccessPolicy, string | undefined][] = [
    ["an open channel", inGuild(), undefined],
    ["a listed channel", inGuild({ help: {} }), undefined],
    ["a channel beside listed ones", inGuild({ general: {} }), inHelp],
    ["a disabled channel", inGuild({ help: { enabled: false } }), `${inHelp}.help.enabled`],
    ["an unlisted guild", policy({ guilds: {} }), "channels.discord.guilds"],
    ["disabled guilds", policy({ groupPolicy: "disabled" }), "channels.discord.groupPolicy"],
  ];
  for (const [name, rules, rule] of cases) {
    it(`returns ${rule} for ${name}, also for owners and in threads`, () => {
      assert.equal(closedIn(rules), rule);
      assert.equal(closedIn(rules, { isOwner: true }), rule);
      assert.equal(closedIn(rules, { place: thread }), rule);
    });
  }

  it("[P7] closes a channel with a list of users to others, apart from owners", () => {
    const rules = inGuild({ help: { users: entries(ADA) } });
    assert.equal(closedIn(rules), `${inHelp}.help.users`);
    assert.equal(closedIn(rules, { id: ADA }), undefined);
    assert.equal(closedIn(rules, { isOwner: true }), undefined);
  });
});
