import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planReload, type ReloadPlan } from "../../src/config/changes.ts";
import { loadedOf, type World } from "./support.ts";

/** A file with these keys of `channels.discord`. */
const file = (keys: string, beside = ""): string =>
  `{"channels":{"discord":{${keys}}}${beside === "" ? "" : `,${beside}`}}`;

async function planOf(
  before: string | undefined,
  after: string | undefined,
  [then, now]: readonly [World, World] = [{}, {}],
): Promise<ReloadPlan> {
  const world = (of: World): World => ({ ...of, env: { DISCORD_BOT_TOKEN: "env", ...of.env } });
  return planReload(await loadedOf(before, world(then)), await loadedOf(after, world(now)));
}

/** `"path: from → to, when"` of each change, and `"account does"` of each account. */
function shown({ changes, accounts }: ReloadPlan): readonly string[] {
  return [
    ...changes.map(({ path, from, to, takesEffect }) =>
      `${path}: ${from ?? "none"} → ${to ?? "none"}, ${takesEffect}`
    ),
    ...accounts.map(({ accountId, does }) => `${accountId} ${does}`),
  ];
}

const A = '"accounts":{"a":{"token":"a"}}';

describe("[C9] planReload()", () => {
  const cases: readonly (readonly [
    name: string,
    before: string | undefined,
    after: string | undefined,
    told: readonly string[],
  ])[] = [
    ["nothing", file('"historyLimit":3'), file(' "historyLimit" : 3, /* so */'), ["default keep"]],
    ["a default that is written out", file(""), file('"streaming":"off","dm":{"enabled":true}'), [
      "default keep",
    ]],
    ["a limit", file('"historyLimit":3'), file('"historyLimit":4'), [
      "channels.discord.historyLimit: 3 → 4, now",
      "default apply",
    ]],
    [
      "an added key and a removed one",
      file('"textChunkLimit":900'),
      file('"dm":{"policy":"allowlist"}'),
      [
        'channels.discord.dm.policy: "pairing" → "allowlist", now',
        "channels.discord.textChunkLimit: 900 → 2000, now",
        "default apply",
      ],
    ],
    ["a list, as a whole", file('"dm":{"allowFrom":["1","2"]}'), file('"dm":{"allowFrom":["2"]}'), [
      'channels.discord.dm.allowFrom: ["1","2"] → ["2"], now',
      "default apply",
    ]],
    ["a guild", file('"guilds":{"a":{}}'), file('"guilds":{"b":{"users":[]},"a":{}}'), [
      "channels.discord.guilds.b.users: none → [], now",
      "default apply",
    ]],
    ["a guild without keys", file(""), file('"guilds":{"a":{}}'), [
      'channels.discord.guilds.a: none → {"reactionNotifications":"own"}, now',
      "default apply",
    ]],
    [
      "keys of a guild that had none",
      file('"guilds":{"a":{}}'),
      file('"guilds":{"a":{"slug":"x"}}'),
      ['channels.discord.guilds.a.slug: none → "x", now', "default apply"],
    ],
    ["a section, which closes guilds", undefined, file(""), ["channels.discord", "default apply"]],
    [
      "intents",
      file(""),
      file('"gateway":{"intents":["guilds","guild_messages","direct_messages"]}'),
      [
        'channels.discord.gateway.intents: "agent_recommended" → ["guilds","guild_messages","direct_messages"], reconnect',
        "default restart",
      ],
    ],
    [
      "changes that need a reconnect, and others",
      file(""),
      file('"retry":{"attempts":5},"presence":{"status":"idle"}'),
      [
        "channels.discord.retry.attempts: 3 → 5, reconnect",
        'channels.discord.presence.status: "online" → "idle", reconnect',
        "default restart",
      ],
    ],
    ["the service's own server", file(""), file("", '"http":{"port":9}'), [
      "http.port: 8787 → 9, restart",
      "default keep",
    ]],
    ["keys of all accounts", file(A), file(A, '"log":{"level":"debug"}'), [
      'log.level: "info" → "debug", now',
      "default apply",
      "a apply",
    ]],
    ["keys of the preflight", file(A), file(A, '"preflight":{"dns":false}'), [
      "preflight.dns: true → false, reconnect",
      "default restart",
      "a restart",
    ]],
    [
      "the form of a model's name",
      file("", '"agents":{"defaults":{"model":"openai/b"}}'),
      file("", '"agents":{"defaults":{"model":{"primary":"openai/c"}}}'),
      [
        'agents.defaults.model.primary: none → "openai/c", now',
        'agents.defaults.model: "openai/b" → {"primary":"openai/c","fallbacks":[]}, now',
        "default apply",
      ],
    ],
    [
      "a key that an account inherits",
      file(`"historyLimit":3,${A}`),
      file(`"historyLimit":4,${A}`),
      ["channels.discord.historyLimit: 3 → 4, now", "default apply", "a apply"],
    ],
    [
      "a key that no account inherits",
      file('"historyLimit":3,"accounts":{"a":{"token":"a","historyLimit":5}}'),
      file('"historyLimit":4,"accounts":{"a":{"token":"a","historyLimit":5}}'),
      ["channels.discord.historyLimit: 3 → 4, now", "default apply", "a keep"],
    ],
    [
      "an account's own key, and the inherited one without it",
      file('"historyLimit":3,"accounts":{"a":{"token":"a","historyLimit":5}}'),
      file(`"historyLimit":3,${A}`),
      ["channels.discord.accounts.a.historyLimit: 5 → 3, now", "default keep", "a apply"],
    ],
    ["a new account", file(""), file(A), [
      'channels.discord.accounts.a.token: none → "[redacted]", reconnect',
      "default keep",
      "a start",
    ]],
    ["a removed account", file(A), file(""), [
      'channels.discord.accounts.a.token: "[redacted]" → none, reconnect',
      "default keep",
      "a stop",
    ]],
    [
      "a disabled account",
      file(A),
      file('"accounts":{"a":{"token":"a","enabled":false}}'),
      ["channels.discord.accounts.a.enabled: true → false, reconnect", "default keep", "a stop"],
    ],
    ["an enabled account", file('"enabled":false'), file('"enabled":true'), [
      "channels.discord.enabled: false → true, reconnect",
      "default start",
    ]],
    [
      "an account that stays disabled",
      file('"enabled":false'),
      file('"enabled":false,"historyLimit":1'),
      ["channels.discord.historyLimit: none → 1, now", "default apply"],
    ],
    [
      "a connection that does not exist",
      file('"enabled":false'),
      file('"enabled":false,"gateway":{"compress":false}'),
      ["channels.discord.gateway.compress: true → false, reconnect", "default apply"],
    ],
  ];
  for (const [name, before, after, told] of cases) {
    it(`reports ${name}`, async () => {
      const lines = shown(await planOf(before, after));
      if (told[0] !== "channels.discord") return assert.deepEqual(lines, told);
      assert.match(lines[0] ?? "", /^channels\.discord: none → \{.*\}, now$/);
      assert.deepEqual(lines.slice(1), told.slice(1));
    });
  }

  const secrets: readonly (readonly [
    name: string,
    texts: readonly [before: string | undefined, after: string | undefined],
    worlds: readonly [World, World],
    told: readonly string[],
  ])[] = [
    ["a token in the file", [file('"token":"one"'), file('"token":"two"')], [{}, {}], [
      'channels.discord.token: "[redacted]" → "[redacted]", reconnect',
      "default restart",
    ]],
    [
      "the same token at another place",
      [file('"token":"one"'), file('"token":"${T}"')],
      [{}, { env: { T: "one" } }],
      ['channels.discord.token: "[redacted]" → "${T}", reconnect', "default keep"],
    ],
    [
      "the same token in another file",
      [file('"token":{"file":"/s"}'), file('"token":{"file":"/t"}')],
      [{ files: { "/s": "same" } }, { files: { "/t": "same" } }],
      ['channels.discord.token: {"file":"/s"} → {"file":"/t"}, reconnect', "default keep"],
    ],
    [
      "a file with another token",
      [file('"token":{"file":"/t"}'), file('"token":{"file":"/t"}')],
      [{ files: { "/t": "one" } }, { files: { "/t": "two" } }],
      ['channels.discord.token: "[redacted]" → "[redacted]", reconnect', "default restart"],
    ],
    ["a token that replaces the environment's", [file(""), file('"token":"one"')], [{}, {}], [
      'channels.discord.token: none → "[redacted]", reconnect',
      "default restart",
    ]],
    ["a variable with another token, without a file", [undefined, undefined], [
      {},
      { env: { DISCORD_BOT_TOKEN: "two" } },
    ], ['channels.discord.token: "[redacted]" → "[redacted]", reconnect', "default restart"]],
    [
      "PluralKit's token in a file, which two accounts inherit",
      [
        file(`"pluralkit":{"token":{"file":"/t"}},${A}`),
        file(`"pluralkit":{"token":{"file":"/t"}},${A}`),
      ],
      [{ files: { "/t": "one" } }, { files: { "/t": "two" } }],
      [
        'channels.discord.pluralkit.token: "[redacted]" → "[redacted]", now',
        "default apply",
        "a apply",
      ],
    ],
    [
      "a model's key",
      [
        file("", '"models":{"providers":{"x":{"kind":"anthropic","apiKey":"${K}"}}}'),
        file("", '"models":{"providers":{"x":{"kind":"anthropic","apiKey":"${K}"}}}'),
      ],
      [{ env: { K: "one" } }, { env: { K: "two" } }],
      ['models.providers.x.apiKey: "[redacted]" → "[redacted]", now', "default apply"],
    ],
  ];
  for (const [name, [before, after], worlds, told] of secrets) {
    it(`[C8] compares ${name}, and shows none`, async () => {
      const plan = await planOf(before, after, worlds);
      assert.deepEqual(shown(plan), told);
      assert.doesNotMatch(JSON.stringify(plan), /"one|"two/);
    });
  }

  it("plans each account once, for any two configs", async () => {
    const plan = await planOf(
      file('"accounts":{"A":{"token":"a"},"b":{"token":"b"}}'),
      file('"accounts":{"a":{"token":"a"},"c":{"token":"c"}}'),
    );
    assert.deepEqual(plan.accounts, [
      { accountId: "default", does: "keep" },
      { accountId: "a", does: "keep" },
      { accountId: "c", does: "start" },
      { accountId: "b", does: "stop" },
    ]);
  });
});
