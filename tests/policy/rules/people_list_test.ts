import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ListedEntry } from "../../../src/core/names.ts";
import {
  parseAllowEntry,
  peopleListOf,
  prepareAllowlist,
  withoutPerson,
  withPerson,
} from "../../../src/policy/rules.ts";
import type { AccessPolicy } from "../../../src/policy/rules.ts";
import { guildPlace, sender, userId } from "../../support/discord/builders.ts";
import { ADA, BOB, CHANNEL, commands, dm, entries, GUILD, guild, policy } from "../policies.ts";

const HERE = guildPlace();
const DM = { kind: "dm" } as const;
const path = (rest: string) => `channels.discord.guilds.${GUILD}${rest}`;

describe("[K2] [P10] peopleListOf()", () => {
  const inGuild = (fields: Parameters<typeof guild>[0], more: Partial<AccessPolicy> = {}) =>
    policy({ guilds: { [GUILD]: guild(fields) }, ...more });
  const own = inGuild({ users: entries(ADA), channels: { [CHANNEL]: { users: entries(BOB) } } });
  const cases: readonly [string, ReturnType<typeof peopleListOf>, object][] = [
    ["the channel's list, which replaces the guild's", peopleListOf(HERE, "here", own), {
      kind: "list",
      rule: path(`.channels.${CHANNEL}.users`),
      entries: [{ text: BOB, userId: BOB }],
    }],
    ["the guild's list by name", peopleListOf(HERE, "server", own), {
      kind: "list",
      rule: path(".users"),
      entries: [{ text: ADA, userId: ADA }],
    }],
    ["none", peopleListOf(HERE, "here", inGuild({})), { kind: "everyone", rule: path(".users") }],
    ["no guilds", peopleListOf(HERE, "here", policy({ groupPolicy: "open" })), {
      kind: "no_guilds",
      rule: path(".users"),
    }],
    ["a closed channel", peopleListOf(HERE, "here", inGuild({ channels: {} })), {
      kind: "closed",
      rule: path(".channels"),
    }],
    ["direct messages", peopleListOf(DM, "here", policy({ dm: dm({ allowFrom: entries("*") }) })), {
      kind: "list",
      rule: "channels.discord.dm.allowFrom",
      entries: [{ text: "*" }],
      isOfDms: true,
      hasPairings: true,
    }],
    ["direct messages from a guild", peopleListOf(HERE, "dm", own), {
      kind: "list",
      rule: "channels.discord.dm.allowFrom",
      entries: [],
      isOfDms: true,
      hasPairings: true,
    }],
    [
      "the owners",
      peopleListOf(DM, "owners", policy({ commands: { ...commands(), owners: entries(ADA) } })),
      {
        kind: "list",
        rule: "commands.ownerAllowFrom",
        entries: [{ text: ADA, userId: ADA }],
        isOfDms: true,
      },
    ],
    ["the owners of the application", peopleListOf(DM, "owners", own), {
      kind: "application",
      rule: "commands.ownerAllowFrom",
    }],
    ["a guild's list in direct messages", peopleListOf(DM, "server", own), { kind: "no_guild" }],
    [
      "a config without channels.discord",
      peopleListOf(DM, "here", policy({ hasNoSection: true })),
      { kind: "no_guilds", rule: "channels.discord.dm.allowFrom" },
    ],
  ];
  for (const [name, found, expected] of cases) {
    it(name, () => assert.deepEqual(found, expected));
  }

  it("names the account's own key", () => {
    const ruleOf = (rule: string) => rule.replace("discord.", "discord.accounts.work.");
    const found = peopleListOf(DM, "here", policy({ ruleOf }));
    assert.equal("rule" in found && found.rule, "channels.discord.accounts.work.dm.allowFrom");
  });
});

describe("[K2] [P4] withPerson() and withoutPerson()", () => {
  const ada = { id: ADA, username: "ada" };
  const resolved: readonly ListedEntry[] = [{ text: "ada", userId: BOB }];
  const written: readonly [entry: string, known: readonly ListedEntry[], isAda: boolean][] = [
    [ADA, [], true],
    [`<@${ADA}>`, [], true],
    [`<@!${ADA}>`, [], true],
    [`user:${ADA}`, [], true],
    [`discord:${ADA}`, [], true],
    ["Ada", [], true],
    ["@ada", [], true],
    ["@ada", [{ text: "ada", userId: ADA }], true],
    ["ada", resolved, false], // the name meant another account when it was resolved
    ["eve", [], false],
    [BOB, [], false],
    ["*", [], false],
    ["role:5", [], false],
  ];
  for (const [entry, known, isAda] of written) {
    it(`${entry} ${isAda ? "means" : "does not mean"} Ada`, () => {
      assert.deepEqual(withPerson([entry], ada, known), isAda ? undefined : [entry, ADA]);
      assert.deepEqual(withoutPerson([entry], ada, known), isAda ? [] : undefined);
    });
  }

  it("count only ids of a person whose name is unknown", () => {
    assert.equal(withoutPerson(["ada"], { id: ADA }, []), undefined);
    assert.deepEqual(withoutPerson(["ada", ADA], { id: ADA }, []), ["ada"]);
  });

  const anyEntry = fc.oneof(
    fc.constantFrom("*", "ada", "bob", "role:5", "pk:abcde", ADA, BOB, `<@${ADA}>`),
    fc.integer({ min: 1, max: 99 }).map(String),
  );
  const finds = (list: readonly string[], person = sender()) =>
    prepareAllowlist(list.map(parseAllowEntry).filter(({ kind }) => kind !== "problem") as never)(
      person,
    );

  it("admit a person after it, and not by their own entry after a removal; others stay", () => {
    fc.assert(
      fc.property(fc.array(anyEntry), (list) => {
        const added = withPerson(list, ada, []) ?? list;
        assert.ok(finds(added) !== undefined);
        assert.equal(withPerson(added, ada, []), undefined, "a second time changes nothing");
        const removed = withoutPerson(added, ada, []) ?? added;
        assert.ok(["anyone", undefined].includes(finds(removed)?.kind));
        assert.equal(withoutPerson(removed, ada, []), undefined, "a second time changes nothing");
        const eve = sender({ id: userId("77"), username: "eve" });
        assert.deepEqual(finds(removed, eve), finds(list, eve));
      }),
    );
  });
});
