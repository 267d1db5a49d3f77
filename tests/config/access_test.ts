import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccessPolicy } from "../../src/policy/rules.ts";
import { configOf, discord } from "./support.ts";

async function accessOf(text: string | undefined): Promise<AccessPolicy> {
  const env = { DISCORD_BOT_TOKEN: "t" };
  return (await configOf(text, { env })).discord.access;
}

describe("[P6] toAccessPolicy() › groupPolicy", () => {
  const cases: readonly (readonly [
    name: string,
    text: string | undefined,
    policy: AccessPolicy["groupPolicy"],
    rule: string,
  ])[] = [
    ["nothing but a token", undefined, "open", "channels.discord.groupPolicy"],
    ["a file without a section", '{"log":{}}', "open", "channels.discord.groupPolicy"],
    [
      "an empty section",
      '{"channels":{"discord":{}}}',
      "allowlist",
      "channels.discord.groupPolicy",
    ],
    ["a policy", discord('"groupPolicy":"open"'), "open", "channels.discord.groupPolicy"],
    [
      "a default without a section",
      '{"channels":{"defaults":{"groupPolicy":"disabled"}}}',
      "disabled",
      "channels.defaults.groupPolicy",
    ],
    [
      "a default beside a section, which does not count",
      '{"channels":{"defaults":{"groupPolicy":"open"},"discord":{}}}',
      "allowlist",
      "channels.discord.groupPolicy",
    ],
  ];
  for (const [name, text, policy, rule] of cases) {
    it(`is "${policy}" for ${name}`, async () => {
      const { groupPolicy, groupPolicyRule } = await accessOf(text);
      assert.deepEqual([groupPolicy, groupPolicyRule], [policy, rule]);
    });
  }
});

describe("[P6] toAccessPolicy() › needsOwnerInGuild", () => {
  const cases: readonly (readonly [name: string, text: string | undefined, needs?: true])[] = [
    ["nothing but a token", undefined, true],
    ["a file without a section", '{"log":{}}', true],
    ["an empty section", '{"channels":{"discord":{}}}'],
    ["a section that is open", discord('"groupPolicy":"open"')],
    ["a default that is open", '{"channels":{"defaults":{"groupPolicy":"open"}}}'],
  ];
  for (const [name, text, needs] of cases) {
    it(`is ${needs ?? false} for ${name}`, async () => {
      assert.equal((await accessOf(text)).needsOwnerInGuild, needs);
    });
  }
});

describe("toAccessPolicy()", () => {
  it("[P2] lets paired users write by default", async () => {
    const { dm } = await accessOf(undefined);
    assert.deepEqual(dm, { enabled: true, policy: "pairing", allowFrom: [], groupEnabled: false });
  });

  it("[P4] [P7] makes rules of written keys only", async () => {
    const access = await accessOf(discord(`"guilds": {
      "*": { "requireMention": true },
      "123": { "slug": "s", "users": ["175928847299117063", "role:Mods"], "channels": {
        "help": { "allow": true, "enabled": true, "requireMention": false, "users": ["*"],
                  "systemPrompt": "p" },
        "日本語": {} } } }`));
    assert.deepEqual(structuredClone(access.guilds), {
      "*": { requireMention: true, reactionNotifications: "own" },
      "123": {
        reactionNotifications: "own",
        slug: "s",
        users: [{ kind: "user", id: "175928847299117063" }, { kind: "role_name", name: "Mods" }],
        channels: {
          help: {
            allow: true,
            enabled: true,
            requireMention: false,
            users: [{ kind: "anyone" }],
            systemPrompt: "p",
          },
          日本語: {},
        },
      },
    });
  });

  it("[P8] tells an empty list of channels from no list", async () => {
    const { guilds } = await accessOf(discord('"guilds":{"a":{"channels":{}},"b":{}}'));
    assert.deepEqual(Object.keys(guilds?.["a"]?.channels ?? { none: 1 }), []);
    assert.equal(guilds?.["b"]?.channels, undefined);
  });

  it("[P7] finds no rule for a channel named like a property of every object", async () => {
    const { guilds } = await accessOf(discord('"guilds":{"a":{"channels":{"help":{}}}}'));
    for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
      assert.equal(guilds?.[name], undefined);
      assert.equal(guilds?.["a"]?.channels?.[name], undefined);
    }
  });

  it("[P7] finds the rule of a channel with such a name", async () => {
    const { guilds } = await accessOf(
      discord('"guilds":{"constructor":{"channels":{"constructor":{"allow":false}}}}'),
    );
    assert.deepEqual(guilds?.["constructor"]?.channels?.["constructor"], { allow: false });
  });

  it("[I1] applies the account's filter to each guild, unless the guild overrides it", async () => {
    const { guilds } = await accessOf(discord(`"intentFilter":{"enabled":true},"guilds":{
      "a":{}, "b":{"intentFilter":{"enabled":false},"channels":{"c":{"intentFilter":{"enabled":true}}}}}`));
    assert.equal(guilds?.["a"]?.intentFilter, true);
    assert.equal(guilds?.["b"]?.intentFilter, false);
    assert.equal(guilds?.["b"]?.channels?.["c"]?.intentFilter, true);
  });

  it("[I1] leaves the filter on in a place that changes another key of it", async () => {
    const { guilds } = await accessOf(discord(`"intentFilter":{"enabled":true},"guilds":{"a":{
      "intentFilter":{"respondThreshold":0.9},
      "channels":{"c":{"intentFilter":{"respondThreshold":0.9}}}}}`));
    assert.equal(guilds?.["a"]?.intentFilter, true);
    assert.equal(guilds?.["a"]?.channels?.["c"]?.intentFilter, undefined, "as the guild");
  });

  it("[P5] reads entries of group DMs, and tells an empty list from no list", async () => {
    const groups = async (keys: string) =>
      (await accessOf(`{"channels":{"discord":{"dm":{${keys}}}}}`)).dm.groupChannels;
    assert.deepEqual(
      await groups(
        '"groupChannels":["*","175928847299117063"," channel:175928847299117064","pals"]',
      ),
      [
        { kind: "any" },
        { kind: "channel", id: "175928847299117063" },
        { kind: "channel", id: "175928847299117064" },
        { kind: "name", name: "pals" },
      ],
    );
    assert.deepEqual(await groups('"groupChannels":[]'), []);
    assert.equal(await groups('"groupEnabled":true'), undefined);
  });

  it("[P10] [P11] [P13] reads the rules of bots, PluralKit, owners and approvers", async () => {
    const none = await accessOf(undefined);
    assert.deepEqual(
      [none.allowBots, none.loopGuard, none.asksPluralkit, none.approvers],
      [false, { maxTurns: 6, muteMs: 600_000 }, false, []],
    );
    assert.deepEqual(none.commands, { usesAccessGroups: true, texts: new Map() });
    const access = await accessOf(`{"channels":{"discord":{
      "allowBots": true, "loopGuard": { "maxTurns": 2, "muteMin": 0.5 },
      "pluralkit": { "enabled": true }, "execApprovals": { "approvers": ["175928847299117063"] },
      "guilds": { "*": { "reactionNotifications": "all" } } } },
      "commands": { "useAccessGroups": false, "ownerAllowFrom": ["<@175928847299117063>", "ada"] }}`);
    assert.deepEqual(
      [access.allowBots, access.loopGuard, access.asksPluralkit, access.approvers],
      [true, { maxTurns: 2, muteMs: 30_000 }, true, ["175928847299117063"]],
    );
    assert.deepEqual(access.commands, {
      usesAccessGroups: false,
      owners: [{ kind: "user", id: "175928847299117063" }, { kind: "name", name: "ada" }],
      texts: new Map(),
    });
    assert.equal(access.guilds?.["*"]?.reactionNotifications, "all");
  });
});
