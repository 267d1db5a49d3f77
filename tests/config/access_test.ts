import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccessPolicy } from "../../src/policy/rules.ts";
import { openGates } from "../../src/core/tool_names.ts";
import { policiesIn } from "../../src/config/access.ts";
import { botConfigOf, configOf, discord, loadedOf, problemLines } from "./support.ts";
import { sameData } from "../support/same_data.ts";

async function accessOf(text: string | undefined): Promise<AccessPolicy> {
  const env = { DISCORD_BOT_TOKEN: "t" };
  return (await configOf(text, { env })).discord.access;
}

describe("[P6] toAccessPolicy() › groupPolicy", () => {
  const OWN = "channels.discord.groupPolicy";
  const DEFAULT = "channels.defaults.groupPolicy";
  const cases: readonly (readonly [
    text: string | undefined,
    policy: AccessPolicy["groupPolicy"],
    rule: string,
    hasNoSection?: true,
  ])[] = [
    [undefined, "open", OWN, true],
    ['{"log":{}}', "open", OWN, true],
    ['{"channels":{"discord":{}}}', "allowlist", OWN],
    [discord('"groupPolicy":"open"'), "open", OWN],
    ['{"channels":{"defaults":{"groupPolicy":"open"}}}', "open", DEFAULT, true],
    ['{"channels":{"defaults":{"groupPolicy":"disabled"}}}', "disabled", DEFAULT, true],
    // A default does not count beside a section.
    ['{"channels":{"defaults":{"groupPolicy":"open"},"discord":{}}}', "allowlist", OWN],
  ];
  for (const [text, ...expected] of cases) {
    it(`is "${expected[0]}" for ${text ?? "nothing but a token"}`, async () => {
      const { groupPolicy, groupPolicyRule, hasNoSection } = await accessOf(text);
      const found = [groupPolicy, groupPolicyRule, ...(hasNoSection ? [true] : [])];
      assert.deepEqual(found, expected);
    });
  }
});

describe("toAccessPolicy()", () => {
  it("[P2] lets paired users write by default", async () => {
    const { dm } = await accessOf(undefined);
    sameData(dm, { enabled: true, policy: "pairing", allowFrom: [], groupEnabled: false });
  });

  it("[P4] [P7] makes rules of written keys only", async () => {
    const access = await accessOf(discord(`"guilds": {
      "*": { "requireMention": true },
      "123": { "slug": "s", "users": ["175928847299117063", "role:Mods"], "channels": {
        "help": { "allow": true, "enabled": true, "requireMention": false, "users": ["*"],
                  "systemPrompt": "p" },
        "日本語": {} } } }`));
    sameData(structuredClone(access.guilds), {
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

  it("[T2] reads the tools of every level", async () => {
    const { tools, guilds } = await accessOf(
      discord(`"actions": { "messages": false, "roles": true }, "guilds": {
        "123": { "tools": { "deny": ["exec"] }, "channels": { "help": {
          "toolsBySender": { "<@175928847299117063>": {}, "role:A": { "alsoAllow": ["exec"] } },
          "tools": { "allow": [] } } } } }`).replace(
        /}$/,
        ', "tools": { "allow": ["remind"] }, "agents": { "list": [' +
          '{ "id": "a", "tools": { "deny": ["x"] } }, { "id": "b", "tools": { "deny": ["y"] } }] } }',
      ),
    );
    sameData(tools.global, { allow: ["remind"] });
    sameData(
      tools.agents,
      ["x", "y"].map((tool, index) => ({
        agentId: ["a", "b"][index],
        lists: { deny: [tool] },
        rule: `agents.list[${index}].tools`,
      })),
    );
    assert.ok(tools.openGates.includes("roles") && !tools.openGates.includes("messages"));
    sameData(guilds?.["123"]?.tools, { deny: ["exec"] });
    const { help } = guilds?.["123"]?.channels ?? {};
    sameData(structuredClone(help), {
      tools: { allow: [] },
      toolsBySender: [
        {
          key: "<@175928847299117063>",
          who: { kind: "user", id: "175928847299117063" },
          lists: {},
        },
        { key: "role:A", who: { kind: "role_name", name: "A" }, lists: { alsoAllow: ["exec"] } },
      ],
    });
  });

  it("[T2] has no tools of its own without the keys", async () => {
    const { tools } = await accessOf(undefined);
    sameData(tools, { global: {}, agents: [], openGates: openGates({}) });
  });

  it("[T2] [C6] an account inherits tools, and may set its own", async () => {
    const { accounts } = await botConfigOf(
      discord(`"guilds": { "1": { "tools": { "deny": ["exec"] } } },
      "accounts": { "a": {}, "b": { "guilds": { "1": { "tools": { "deny": ["code"] } } } } }`),
      { env: { DISCORD_BOT_TOKEN: "t" } },
    );
    const denied = accounts.map(({ accountId, access }) => [
      accountId,
      access.guilds?.["1"]?.tools?.deny,
    ]);
    assert.deepEqual(denied, [["default", ["exec"]], ["a", ["exec"]], ["b", ["code"]]]);
  });

  const wrong: readonly [string, RegExp][] = [
    ["@everyone", /"@everyone" is no user/],
    ["channel:1", /is not a person/],
    ["discord:ada", /contains no Discord user id/],
    ["telegram:5", /has a prefix that no user has/],
    [" ", /An entry is blank/],
  ];
  for (const [sender, message] of wrong) {
    it(`[T2] [P4] refuses tools of the sender ${JSON.stringify(sender)}`, async () => {
      const places = { toolsBySender: { [sender]: {} } };
      const text = discord(`"guilds":{"*":${JSON.stringify(places)}}`);
      const [problem, ...others] = await problemLines(text);
      assert.match(problem ?? "", /^error channels\.discord\.guilds\.\*\.toolsBySender\./);
      assert.match(problem ?? "", message);
      assert.deepEqual(others, []);
    });
  }

  it("[T2] refuses an unknown key beside the lists", async () => {
    const [problem] = await problemLines(discord('"guilds":{"*":{"tools":{"alowed":["exec"]}}}'));
    assert.match(problem ?? "", /^error channels\.discord\.guilds\.\*\.tools\.alowed: /);
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
    sameData(guilds?.["constructor"]?.channels?.["constructor"], { allow: false });
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
    sameData(none.commands, { usesAccessGroups: true, texts: true });
    const access = await accessOf(`{"channels":{"discord":{
      "allowBots": true, "loopGuard": { "maxTurns": 2, "muteMin": 0.5, "feeds": ["175928847299117063"] },
      "pluralkit": { "enabled": true }, "execApprovals": { "approvers": ["175928847299117063"] },
      "guilds": { "*": { "reactionNotifications": "all" } } } },
      "commands": { "useAccessGroups": false, "ownerAllowFrom": ["<@175928847299117063>", "ada"] }}`);
    const approvers = ["175928847299117063"];
    assert.deepEqual(
      [access.allowBots, access.loopGuard, access.asksPluralkit, access.approvers],
      [true, { maxTurns: 2, muteMs: 30_000, feeds: approvers }, true, approvers],
    );
    assert.deepEqual(access.commands, {
      usesAccessGroups: false,
      owners: [{ kind: "user", id: "175928847299117063" }, { kind: "name", name: "ada" }],
      texts: true,
    });
    assert.equal(access.guilds?.["*"]?.reactionNotifications, "all");
  });
});

const RECORDED = `{ "channels": { "discord": { // hunter2hunter2hunter2hunter2
  "token": "hunter2-above", "groupPolicy": "open",
  "guilds": { "123456789012345678": { "users": ["ada", "role:Mods"], "channels": { "x": {} } } },
  "pluralkit": { "token": "\${NO_SUCH}" , "enabled": true },
  "accounts": { "Work": { "token": { "file": "/no/such" }, "dm": { "policy": "disabled" } } } } },
  "models": { "providers": { "x": { "kind": "anthropic", "apiKey": "hunter2" } } } }`;

describe("[P1] policiesIn()", () => {
  it("has the rules of every account without its variables and files", async () => {
    const loaded = await loadedOf(RECORDED, { env: { NO_SUCH: "pk" }, files: { "/no/such": "w" } });
    assert.ok(loaded.text);
    const found = await policiesIn(loaded.text);
    const plain = (access: unknown) => JSON.parse(JSON.stringify(access));
    assert.deepEqual(
      found.map(({ accountId, access }) => [accountId, plain(access)]),
      loaded.config.accounts.map(({ accountId, access }) => [accountId, plain(access)]),
    );
    const [, work] = found;
    assert.equal(
      work?.access.ruleOf("channels.discord.dm.policy"),
      "channels.discord.accounts.Work.dm.policy",
    );
  });

  it("has the rules of a bot without a file", async () => {
    const [account, ...others] = await policiesIn(undefined);
    assert.deepEqual([account?.accountId, account?.access.groupPolicy, others], [
      "default",
      "open",
      [],
    ]);
  });

  it("always has the account default, whose token may have been in the environment", async () => {
    const found = await policiesIn('{"channels":{"discord":{"accounts":{"a":{"token":"*"}}}}}');
    assert.deepEqual(found.map(({ accountId }) => accountId), ["default", "a"]);
  });

  it("has no rules for a text that this version cannot read", async () => {
    for (const text of ["{", '{"channels":{"discord":{"gone":1}}}']) {
      assert.deepEqual(await policiesIn(text), []);
    }
  });
});
