import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAllowEntry } from "../../src/policy/rules.ts";
import { mayActInDirect, prepareAsksRoles, prepareMayAct } from "../../src/policy/admission.ts";
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
    ["in a listed guild", inGuild(), true],
    ["in an unlisted guild", policy({}), false],
    ["without listed guilds", policy(), false],
    ["in a listed channel", inGuild({ help: {} }), true],
    ["in an unlisted channel beside listed ones", inGuild({ general: {} }), false],
    ["in a disabled channel", inGuild({ help: { enabled: false } }), false],
  ];
  for (const [name, rules, may] of cases) {
    it(`returns ${may} ${name}, and in its threads`, () => {
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
    it(`returns ${may} for ${JSON.stringify(rules)}`, () =>
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
    it(`returns ${asks} for users ${JSON.stringify(users)}`, () => {
      const asksRoles = prepareAsksRoles(
        inGuild({ help: users ? { users: entries(...users) } : {} }),
      );
      assert.deepEqual([asksRoles(guildPlace()), asksRoles(guildPlace())], [asks, asks]);
    });
  }

  it("[T2] returns true if the tools of the place depend on a role", () => {
    const bySender = (...keys: readonly string[]) => ({
      toolsBySender: entries(...keys).map((who) => ({ key: "k", who, lists: {} })),
    });
    const asks = (...keys: readonly string[]) =>
      prepareAsksRoles(inGuild({ help: bySender(...keys) }))(guildPlace());
    assert.equal(asks("ada", "role:helpers"), true);
    assert.equal(asks("ada", "*"), false);
    const guildWide = policy({ [GUILD]: guild(bySender("role:123456789012345678")) });
    assert.equal(prepareAsksRoles(guildWide)(guildPlace()), true);
  });

  it("needs no roles in a place without any answers", () => {
    const users = entries("role:helpers");
    assert.equal(prepareAsksRoles(inGuild({ general: { users } }))(guildPlace()), false);
  });
});
