import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NameMapping } from "../../../src/extras/access/names.ts";
import { withIds } from "../../../src/extras/access/resolve.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";

const FRIENDS = "channels.discord.guilds.friends";

function mapping(
  fields: Partial<NameMapping> & Pick<NameMapping, "kind" | "typed" | "rule">,
): NameMapping {
  return { accountId: ACCOUNT, ...fields };
}

const TEXT = `{
  "channels": { "discord": {
    // who may write
    "dm": { "allowFrom": ["ada", "grace"] },
    "guilds": {
      "friends": {
        "users": ["ada", "role:Crew"],
        "channels": { "help": {} }, // for newcomers
      },
    },
  } },
}
`;

const ALL: readonly NameMapping[] = [
  mapping({
    kind: "user",
    typed: "ada",
    rule: "channels.discord.dm.allowFrom[0]",
    id: "5",
    name: "ada",
  }),
  mapping({ kind: "user", typed: "grace", rule: "channels.discord.dm.allowFrom[1]", why: "none" }),
  mapping({ kind: "guild", typed: "friends", rule: FRIENDS, id: "1400000000000000010" }),
  mapping({ kind: "user", typed: "ada", rule: `${FRIENDS}.users[0]`, id: "5", name: "ada" }),
  mapping({ kind: "role", typed: "Crew", rule: `${FRIENDS}.users[1]`, id: "6", name: "Crew" }),
  mapping({
    kind: "channel",
    typed: "help",
    rule: `${FRIENDS}.channels.help`,
    id: "1400000000000000011",
  }),
];

describe("[P12] withIds()", () => {
  it("replaces names by ids, with the names as comments, and keeps other comments", async () => {
    const { text, written, left } = await withIds(TEXT, "config.jsonc", ALL);
    assert.deepEqual(left, []);
    assert.equal(written.length, 5);
    assert.equal(
      text,
      `{
  "channels": { "discord": {
    // who may write
    "dm": { "allowFrom": ["5" /* ada */, "grace"] },
    "guilds": {
      "1400000000000000010": { // friends
        "users": ["5" /* ada */, "role:6" /* Crew */],
        "channels": { "1400000000000000011" /* help */: {} }, // for newcomers
      },
    },
  } },
}
`,
    );
  });

  it("leaves a name that has a different id in each guild", async () => {
    const rule = "channels.discord.guilds.*.channels.help";
    const both = ["11", "12"].map((id) => mapping({ kind: "channel", typed: "help", rule, id }));
    const text =
      '{ "channels": { "discord": { "guilds": { "*": { "channels": { "help": {} } } } } } }';
    const { text: after, left } = await withIds(text, "config.jsonc", both);
    assert.equal(after, text);
    assert.deepEqual(left.map(({ rule }) => rule), [rule]);
  });

  it("leaves a name that is resolved in one guild only", async () => {
    const rule = "channels.discord.dm.allowFrom[0]";
    const mappings = [
      mapping({ kind: "user", typed: "ada", rule, id: "5" }),
      mapping({ kind: "user", typed: "ada", rule, why: "several have this name" }),
    ];
    const { text, left } = await withIds(TEXT, "config.jsonc", mappings);
    assert.equal(text, TEXT);
    assert.deepEqual(left, [], "the candidates already explain the name");
  });

  it("leaves a key that exists already under its id", async () => {
    const text =
      '{ "channels": { "discord": { "guilds": { "friends": {}, "1400000000000000010": {} } } } }';
    const guild = mapping({
      kind: "guild",
      typed: "friends",
      rule: FRIENDS,
      id: "1400000000000000010",
    });
    const { text: after, left } = await withIds(text, "config.jsonc", [guild]);
    assert.equal(after, text);
    assert.match(left[0]?.why ?? "", /exists already/);
  });

  it("[C6] leaves a name below which an account overrides keys: it would become two entries", async () => {
    const text = JSON.stringify({
      channels: {
        discord: {
          guilds: { friends: { users: ["5"] } },
          accounts: { work: { guilds: { friends: { requireMention: false } } } },
        },
      },
    });
    const guild = mapping({
      kind: "guild",
      typed: "friends",
      rule: FRIENDS,
      id: "1400000000000000010",
    });
    const { text: after, left } = await withIds(text, "config.jsonc", [guild]);
    assert.equal(after, text);
    assert.match(left[0]?.why ?? "", /an account overrides keys/);
  });

  const bySender = (own: object, account: object) =>
    JSON.stringify({
      channels: {
        discord: {
          guilds: { friends: { toolsBySender: own } },
          accounts: { work: { guilds: { friends: { toolsBySender: account } } } },
        },
      },
    });
  const SENDERS = [
    mapping({
      kind: "user",
      typed: "ada",
      rule: `${FRIENDS}.toolsBySender.ada`,
      isKey: true,
      id: "5",
    }),
    mapping({
      kind: "role",
      typed: "Crew",
      rule: `${FRIENDS}.toolsBySender."role:Crew"`,
      isKey: true,
      id: "6",
    }),
  ];

  it("[T2] replaces the senders of tools, which are keys", async () => {
    const text = bySender({ ada: { deny: ["exec"] }, "role:Crew": {} }, {});
    const { text: after, left } = await withIds(text, "config.jsonc", SENDERS);
    assert.deepEqual(left, []);
    assert.match(after, /"5" \/\* ada \*\/ ?:\{"deny":\["exec"\]\},"role:6"/);
  });

  it("[T2] [C6] leaves a sender whose tools an account overrides", async () => {
    const text = bySender({ ada: { deny: ["exec"] } }, { ada: { allow: ["code"] } });
    const { text: after, left } = await withIds(text, "config.jsonc", SENDERS.slice(0, 1));
    assert.equal(after, text);
    assert.match(left[0]?.why ?? "", /an account overrides keys/);
  });
});
