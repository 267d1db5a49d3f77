import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discord, problemLines } from "./support.ts";

/** Keys of `dm`, beside a policy that adds nothing. */
const dms = (keys: string): string =>
  `{"channels":{"discord":{"dm":{${
    keys.includes("policy") ? "" : '"policy":"allowlist",'
  }${keys}}}}}`;

const shared = (users: string): string =>
  `warning channels.discord.dm.allowFrom: The direct messages of ${users} share one memory, so ` +
  "the agent may tell one what another said";

/** Puts all direct messages into one memory. */
const inMain = (text: string): string => text.replace(/}$/, ',"session":{"dmScope":"main"}}');

describe("[P2] [P6] [C3] audit() and silentDefaults()", () => {
  const cases: readonly (readonly [string, string, string | undefined, readonly string[]])[] = [
    ["P6", "an open bot with a token alone", undefined, [
      "warning channels.discord.groupPolicy: Without channels.discord, every member of each guild may talk to the bot",
    ]],
    ["P3", "nothing about pairing", '{"channels":{"discord":{"dm":{"policy":"pairing"}}}}', []],
    ["G9", "intents without guild messages", discord('"gateway":{"intents":["direct_messages"]}'), [
      "warning channels.discord.gateway.intents: Without the intent guild_messages, Discord sends the bot no messages of guilds",
    ]],
    [
      "G9",
      "intents without direct messages if DMs are on",
      '{"channels":{"discord":{"dm":{"policy":"allowlist"},"gateway":{"intents":["guild_messages"]}}}}',
      [
        "warning channels.discord.gateway.intents: Without the intent direct_messages, Discord sends the bot no direct messages",
        "warning channels.discord.gateway.intents: Without the intent guilds, the bot does not know names of guilds, channels and roles, nor threads",
      ],
    ],
    ["G9", "sufficient intents", discord('"gateway":{"intents":["guilds","guild_messages"]}'), []],
    ["P8", "empty channels", discord('"guilds":{"*":{"channels":{}}}'), [
      'warning channels.discord.guilds.*.channels: The empty "channels" denies every channel',
    ]],
    [
      "P10",
      "empty users",
      discord('"guilds":{"*":{"users":[],"channels":{"a":{"users":[]}}}}'),
      [
        'warning channels.discord.guilds.*.users: The empty "users" lets no one in',
        'warning channels.discord.guilds.*.channels.a.users: The empty "users" lets no one in',
      ],
    ],
    [
      "P10",
      "owner entries that match no single user",
      '{"channels":{"discord":{}},"commands":{"ownerAllowFrom":["ada","role:Mods","role:1","*"]}}',
      [
        'warning commands.ownerAllowFrom[1]: An owner must be a single user: "role:Mods" makes no one an owner',
        'warning commands.ownerAllowFrom[2]: An owner must be a single user: "role:1" makes no one an owner',
        'warning commands.ownerAllowFrom[3]: An owner must be a single user: "*" makes no one an owner',
      ],
    ],
    [
      "P10",
      "a list of owners that makes no one an owner",
      '{"channels":{"discord":{}},"commands":{"ownerAllowFrom":["*"]}}',
      [
        "warning commands.ownerAllowFrom: This list makes no one an owner, so the bot has no owner",
        'warning commands.ownerAllowFrom[0]: An owner must be a single user: "*" makes no one an owner',
      ],
    ],
    [
      "P10",
      "an empty list of owners",
      '{"channels":{"discord":{}},"commands":{"ownerAllowFrom":[]}}',
      ["warning commands.ownerAllowFrom: This list makes no one an owner, so the bot has no owner"],
    ],
    [
      "C6",
      "inherited keys once, and an account's own keys at their place",
      discord(`"guilds":{"*":{"channels":{}}},"accounts":{
        "a":{"guilds":{"*":{"users":[]}}},"b":{"groupPolicy":"disabled"}}`),
      [
        'warning channels.discord.guilds: These rules have no effect: "groupPolicy" is "disabled", so the bot answers in no guild',
        'warning channels.discord.guilds.*.channels: The empty "channels" denies every channel',
        'warning channels.discord.accounts.a.guilds.*.users: The empty "users" lets no one in',
      ],
    ],
    [
      "A1",
      "commands that no one can approve",
      '{"exec":{},"channels":{"discord":{}}}',
      ["warning channels.discord: No one can approve commands: without an approval, each is denied"],
    ],
    [
      "A3",
      "commands beside the token, without a question, and that run others",
      '{"exec":{"mode":"full","sandbox":"off","allow":[["df","*"],["bash","-c","*"],["./tool"]]},"channels":{"discord":{}}}',
      [
        "warning exec.mode: Each owner can run any command, and so can an injection in their turns",
        "warning exec.sandbox: Without bubblewrap, commands can read the bot's token and its data",
        'warning exec.allow[1]: "bash -c *" may run other commands, too',
        'warning exec.allow[2]: "./tool" is a file of the workspace, which the agent can change',
      ],
    ],
    [
      "A1",
      "nothing about commands with approvers",
      '{"exec":{"allow":[["df","-h"]]},"channels":{"discord":{"execApprovals":{"enabled":true,"approvers":["175928847299117063"]}}}}',
      [],
    ],
    [
      "T2",
      "nothing about known names of tools",
      discord(`"actions":{"messages":false},"guilds":{"*":{"tools":{"allow":["group:fs","*"]},
        "toolsBySender":{"ada":{"alsoAllow":["exec"]},"*":{"deny":["mcp__github__issues","code"]}}}}`)
        .replace(/}$/, ',"tools":{"allow":["web_fetch"],"deny":["exec"]}}'),
      [],
    ],
    [
      "T2",
      "unknown names of tools, at every level",
      discord(`"guilds":{"*":{"tools":{"deny":["exce"]},"channels":{"a":{
        "toolsBySender":{"*":{"allow":["group:all"]}}}}}}`)
        .replace(
          /}$/,
          ',"tools":{"deny":["Exec"]},"agents":{"list":[{"id":"a","tools":{"alsoAllow":["mcp__a__*"]}}]}}',
        ),
      [
        'warning channels.discord.guilds.*.tools.deny[0]: "exce" is no known tool, so this entry has no effect',
        'warning channels.discord.guilds.*.channels.a.toolsBySender.*.allow[0]: "group:all" is no known tool, so this entry has no effect',
        'warning tools.deny[0]: "Exec" is no known tool, so this entry has no effect',
        'warning agents.list[0].tools.alsoAllow[0]: "mcp__a__*" is no known tool, so this entry has no effect',
      ],
    ],
    [
      "T2",
      "owners' tools for everyone, and not for single people",
      discord(`"guilds":{"*":{"tools":{"allow":["exec"],"alsoAllow":["exec"]},
        "toolsBySender":{"ada":{"alsoAllow":["exec"]},"*":{"alsoAllow":["group:mcp"]}}}}`)
        .replace(/}$/, ',"tools":{"allow":["web_fetch","*"],"alsoAllow":["read_file"]}}'),
      [
        'warning channels.discord.guilds.*.tools.alsoAllow[0]: "exec" gives "exec" to everyone who may talk to the bot there',
        'warning channels.discord.guilds.*.toolsBySender.*.alsoAllow[0]: "group:mcp" gives "group:mcp" to everyone who may talk to the bot there',
        'warning tools.allow[1]: "*" gives tools that only owners have by default to everyone who may talk to the bot there',
        'warning tools.alsoAllow[0]: "read_file" gives "read_file" to everyone who may talk to the bot there',
      ],
    ],
    [
      "C12",
      "nothing about keys that are switched off",
      discord(
        '"allowBots":false,"streaming":"off","pluralkit":{"token":"x"},"accounts":{},"intentFilter":{"enabled":false,"respondThreshold":0.5},"execApprovals":{"enabled":false}',
      ),
      [],
    ],
    [
      "N1",
      "agents beside the first",
      '{"channels":{"discord":{"dm":{"enabled":false}}},"agents":{"list":[{"id":"a"},{"id":"b"}]}}',
      [],
    ],
    [
      "P6",
      "guilds that the policy closes",
      discord('"groupPolicy":"disabled","guilds":{"*":{}}'),
      [
        'warning channels.discord.guilds: These rules have no effect: "groupPolicy" is "disabled", so the bot answers in no guild',
      ],
    ],
    ["S1", "two users who share a memory", inMain(dms('"allowFrom":["1","2"]')), [shared("1, 2")]],
    [
      "S1",
      "the first five of many users who share a memory",
      inMain(dms('"allowFrom":["1","2","3","4","5","6","7"]')),
      [shared("1, 2, 3, 4, 5 and 2 more")],
    ],
    [
      "S1",
      "all users if they share a memory",
      inMain(dms('"policy":"open","allowFrom":["*"]')),
      [shared("all users")],
    ],
    ["S1", "nothing about one user, listed twice", inMain(dms('"allowFrom":["1"," 1"]')), []],
    [
      "P4",
      "names that no account can have, but those of PluralKit members",
      '{"channels":{"discord":{"dm":{"policy":"allowlist","allowFrom":["tg:ada","Ada#1234"]},' +
      '"guilds":{"1400000000000000010":{"users":["ada@example.com"]}},' +
      '"accounts":{"pk":{"pluralkit":{"enabled":true},"dm":{"policy":"allowlist","allowFrom":["Luna: Moth"]}}}}},' +
      '"commands":{"ownerAllowFrom":["ada"]}}',
      [
        'error channels.discord.dm.allowFrom[0]: No user of Discord can have the name "tg:ada"',
        "error channels.discord.guilds.1400000000000000010.users[0]: " +
        'No user of Discord can have the name "ada@example.com"',
      ],
    ],
    [
      "P4",
      "an owner whose name no account can have",
      '{"channels":{"discord":{}},"commands":{"ownerAllowFrom":["ada","tg:ada"]}}',
      ['error commands.ownerAllowFrom[1]: No user of Discord can have the name "tg:ada"'],
    ],
    ["S1", "nothing about users with a memory each", dms('"allowFrom":["1","2"]'), []],
    [
      "S1",
      "nothing about users while DMs are off",
      discord('"name":""').replace('"name":""', '"dms":{}')
        .replace('"enabled":false', '"enabled":false,"allowFrom":["1","2"]'),
      [],
    ],
    [
      "SEC-R9",
      "a key that crosses the internet unencrypted",
      '{"channels":{"discord":{}},"models":{"providers":{"far":{"kind":"openai-compatible","baseUrl":"http://api.example.org/v1","apiKey":"hunter2-hunter2"}}}}',
      [
        "warning models.providers.far.baseUrl: The key for api.example.org crosses the network unencrypted",
      ],
    ],
    [
      "SEC-R7",
      "an entry that lets the model link to every host",
      '{"channels":{"discord":{}},"messages":{"linkHosts":["example.org","*"]}}',
      [
        "warning messages.linkHosts[1]: A text that the model reads can make it send what it knows " +
        "to any server, by a link's preview",
      ],
    ],
    [
      "SEC-R9",
      "nothing about a server of the own network, encryption, or no key",
      '{"channels":{"discord":{}},"models":{"providers":{' +
      '"near":{"kind":"openai-compatible","baseUrl":"http://192.168.1.5:11434/v1","apiKey":"hunter2-hunter2"},' +
      '"tls":{"kind":"openai-compatible","baseUrl":"https://api.example.org/v1","apiKey":"hunter2-hunter2"},' +
      '"open":{"kind":"openai-compatible","baseUrl":"http://api.example.org/v1"}}}}',
      [],
    ],
    ["C7", "nothing about a disabled account", '{"channels":{"discord":{"enabled":false}}}', []],
  ];
  for (const [rule, name, text, expected] of cases) {
    it(`[${rule}] reports ${name}`, async () => {
      assert.deepEqual(await problemLines(text), expected);
    });
  }
});
