import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discord, told } from "./support.ts";

/** Keys of `dm`, beside a policy that adds nothing. */
const dms = (keys: string): string =>
  `{"channels":{"discord":{"dm":{${
    keys.includes("policy") ? "" : '"policy":"allowlist",'
  }${keys}}}}}`;

const SHARED = "warning channels.discord.dm.allowFrom: These people's direct messages share one " +
  "memory: the agent may tell one what another said";

describe("[P2] [P6] [C3] audit() and silentDefaults()", () => {
  const cases: readonly (readonly [
    rule: string,
    name: string,
    text: string | undefined,
    told: readonly string[],
  ])[] = [
    ["P6", "an open bot by its token alone", undefined, [
      "warning channels.discord.groupPolicy: Without channels.discord, everybody in every guild of the bot may talk to it",
    ]],
    ["P3", "nothing of pairing", '{"channels":{"discord":{"dm":{"policy":"pairing"}}}}', []],
    ["G9", "intents that hear no server", discord('"gateway":{"intents":["direct_messages"]}'), [
      "warning channels.discord.gateway.intents: Without guild_messages the bot hears nothing of what is said in servers",
    ]],
    [
      "G9",
      "intents that hear no direct message, where there are to be any",
      '{"channels":{"discord":{"dm":{"policy":"allowlist"},"gateway":{"intents":["guild_messages"]}}}}',
      [
        "warning channels.discord.gateway.intents: Without direct_messages the bot hears no direct message",
        "warning channels.discord.gateway.intents: Without guilds the bot knows no server, channel or role by its name, and none of its threads",
      ],
    ],
    [
      "G9",
      "nothing of intents that hear what is to be answered",
      discord('"gateway":{"intents":["guilds","guild_messages"]}'),
      [],
    ],
    ["P8", "channels that list none", discord('"guilds":{"*":{"channels":{}}}'), [
      'warning channels.discord.guilds.*.channels: The empty "channels" lists no channel, and so denies all of them',
    ]],
    [
      "P10",
      "users that list nobody",
      discord('"guilds":{"*":{"users":[],"channels":{"a":{"users":[]}}}}'),
      [
        'warning channels.discord.guilds.*.users: The empty "users" lets nobody in',
        'warning channels.discord.guilds.*.channels.a.users: The empty "users" lets nobody in',
      ],
    ],
    [
      "P11",
      "bots that are answered whoever they are and whatever they say, at the first such place",
      discord(
        '"allowBots":true,"guilds":{"a":{},"b":{"requireMention":false},' +
          '"c":{"requireMention":false}}',
      ),
      [
        "warning channels.discord.allowBots: Every bot is answered in channels.discord.guilds.b, whatever it says",
      ],
    ],
    [
      "P11",
      "a channel where they are, whatever its guild says",
      discord(`"allowBots":true,"guilds":{"a":{"users":["1"],"channels":{
        "*":{"users":["*"]},"quiet":{"allow":false,"requireMention":false},
        "loud":{"requireMention":false}}}}`),
      [
        "warning channels.discord.allowBots: Every bot is answered in channels.discord.guilds.a.channels.loud, whatever it says",
      ],
    ],
    [
      "P11",
      "nothing of bots that must mention it, or be listed, or are in no guild",
      discord(`"allowBots":true,"guilds":{"a":{"requireMention":false,"users":["1"]},
        "b":{"requireMention":true,"channels":{"c":{}}},
        "d":{"channels":{"*":{"requireMention":false,"users":["role:1"]},"e":{}}}}`),
      [],
    ],
    [
      "P10",
      "owners whom anybody may become",
      '{"channels":{"discord":{}},"commands":{"ownerAllowFrom":["ada","role:Mods","role:1","*"]}}',
      [
        "warning commands.ownerAllowFrom[1]: Whoever runs a guild may give somebody a role of that name, who then owns the bot",
        "warning commands.ownerAllowFrom[3]: Everybody who may talk to the bot owns it",
      ],
    ],
    [
      "P13",
      "entries for PluralKit while it is not asked",
      discord('"guilds":{"*":{"users":["pk:abcde"]}}'),
      [
        'warning channels.discord.guilds.*.users[0]: "pk:abcde" lets nobody in while PluralKit is not asked',
      ],
    ],
    [
      "P13",
      "nothing of PluralKit where it is asked",
      discord('"pluralkit":{"enabled":true},"guilds":{"*":{"users":["pk:abcde"]}}'),
      [],
    ],
    [
      "C6",
      "what an account inherits once, and what it says itself where that is",
      discord(`"guilds":{"*":{"channels":{}}},"accounts":{
        "a":{"guilds":{"*":{"users":[]}}},"b":{"groupPolicy":"disabled"}}`),
      [
        'warning channels.discord.guilds: No guild is answered: "groupPolicy" is "disabled"',
        'warning channels.discord.guilds.*.channels: The empty "channels" lists no channel, and so denies all of them',
        'warning channels.discord.accounts.a.guilds.*.users: The empty "users" lets nobody in',
      ],
    ],
    [
      "C6",
      "a key that does nothing within an account",
      discord('"accounts":{"a":{"configWrites":true}}'),
      [
        'warning channels.discord.accounts.a.configWrites: "configWrites" has no effect in this version',
      ],
    ],
    ["I1", "an intent filter", discord('"guilds":{"*":{"intentFilter":{"enabled":true}}}'), [
      'warning channels.discord.guilds.*.intentFilter: "intentFilter" is not implemented yet: while it is on, Barnacle ignores messages without a mention, even if none is required',
    ]],
    [
      "C12",
      "a section that does nothing, once",
      discord('"actions":{"roles":true,"moderation":true}'),
      [
        'warning channels.discord.actions: "actions" has no effect in this version',
      ],
    ],
    [
      "C12",
      "nothing of keys that are switched off",
      discord(
        '"allowBots":false,"streaming":"off","pluralkit":{"token":"x"},"accounts":{},"intentFilter":{"enabled":false,"respondThreshold":0.5},"execApprovals":{"enabled":false}',
      ),
      [],
    ],
    [
      "N1",
      "agents beside the first",
      '{"channels":{"discord":{"dm":{"enabled":false}}},"agents":{"list":[{"id":"a"},{"id":"b"}]}}',
      [
        "warning agents.list[1]: Only the first agent answers in this version",
      ],
    ],
    [
      "P6",
      "guilds that the policy shuts out",
      discord('"groupPolicy":"disabled","guilds":{"*":{}}'),
      [
        'warning channels.discord.guilds: No guild is answered: "groupPolicy" is "disabled"',
      ],
    ],
    ["S2", "two people who share a memory", dms('"allowFrom":["1","2"]'), [SHARED]],
    ["S2", "everybody who shares a memory", dms('"policy":"open","allowFrom":["*"]'), [SHARED]],
    ["S2", "nothing of one person, however often", dms('"allowFrom":["1"," 1"]'), []],
    [
      "S2",
      "nothing of people who have a memory each",
      dms('"allowFrom":["1","2"]').replace(/}$/, ',"session":{"dmScope":"per-peer"}}'),
      [],
    ],
    [
      "S2",
      "nothing of people while DMs are off",
      discord('"name":""').replace('"name":""', '"dms":{}')
        .replace('"enabled":false', '"enabled":false,"allowFrom":["1","2"]'),
      [],
    ],
    [
      "L3",
      "models that are not asked when the first one fails",
      discord('"dms":{}').replace(
        /}$/,
        ',"agents":{"defaults":{"model":{"primary":"ollama/a","fallbacks":["ollama/b"]}}}}',
      ),
      [
        'warning agents.defaults.model.fallbacks: "fallbacks" has no effect in this version',
      ],
    ],
    ["C7", "nothing of an account that is off", '{"channels":{"discord":{"enabled":false}}}', []],
  ];
  for (const [rule, name, text, expected] of cases) {
    it(`[${rule}] tells ${name}`, async () => {
      assert.deepEqual(await told(text), expected);
    });
  }
});
