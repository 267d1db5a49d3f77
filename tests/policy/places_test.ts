import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAllowEntry } from "../../src/policy/allowlist.ts";
import { mayActInDirect, prepareAsksRoles, prepareMayAct } from "../../src/policy/places.ts";
import type { AccessPolicy, ChannelRules, DmRules, GuildRules } from "../../src/policy/rules.ts";
import { channelId, guildPlace } from "../support/discord/builders.ts";
import { dm, GUILD, guild, policy as aPolicy } from "./policies.ts";

const policy = (guilds?: Readonly<Record<string, GuildRules>>, rules = dm()) =>
  aPolicy({ dm: rules, ...(guilds && { guilds }) });

const inGuild = (channels?: Readonly<Record<string, ChannelRules>>) =>
  policy({ [GUILD]: guild(channels && { channels }) });

describe("[G6] prepareMayAct()", () => {
  const thread = guildPlace({ thread: { id: channelId("1400000000000000012"), name: "t" } });
  const cases: readonly [string, AccessPolicy, boolean][] = [
    ["in a guild that is listed", inGuild(), true],
    ["in no guild that is not", policy({}), false],
    ["nowhere where no guild is", policy(), false],
    ["in a channel that is listed", inGuild({ help: {} }), true],
    ["not beside those that are", inGuild({ general: {} }), false],
    ["not where it is disabled", inGuild({ help: { enabled: false } }), false],
  ];
  for (const [name, rules, may] of cases) {
    it(`may act ${name}, and in its threads as well`, () => {
      assert.equal(prepareMayAct(rules)(guildPlace()), may);
      assert.equal(prepareMayAct(rules)(thread), may);
    });
  }
});

describe("[G6] mayActInDirect()", () => {
  const cases: readonly [Partial<DmRules>, boolean][] = [
    [{}, true],
    [{ policy: "open" }, true],
    [{ policy: "disabled" }, false],
    [{ enabled: false }, false],
    [{ enabled: false, groupEnabled: true }, false],
    [{ policy: "disabled", groupEnabled: true }, false],
  ];
  for (const [rules, may] of cases) {
    it(`says ${may} for ${JSON.stringify(rules)}`, () =>
      assert.equal(mayActInDirect(policy({}, dm(rules))), may));
  }
});

describe("[G6] [P14] prepareAsksRoles()", () => {
  const entries = (...texts: readonly string[]) =>
    texts.map(parseAllowEntry).filter((entry) => entry.kind !== "problem");
  const cases: readonly [readonly string[] | undefined, boolean][] = [
    [undefined, false],
    [[], false],
    [["ada", "123456789012345678", "*"], false],
    [["ada", "role:helpers"], true],
    [["role:123456789012345678"], true],
  ];
  for (const [users, asks] of cases) {
    it(`says ${asks} for users ${JSON.stringify(users)}`, () => {
      const asksRoles = prepareAsksRoles(
        inGuild({ help: users ? { users: entries(...users) } : {} }),
      );
      assert.deepEqual([asksRoles(guildPlace()), asksRoles(guildPlace())], [asks, asks]);
    });
  }

  it("needs none where nobody may be answered", () => {
    const users = entries("role:helpers");
    assert.equal(prepareAsksRoles(inGuild({ general: { users } }))(guildPlace()), false);
  });
});
