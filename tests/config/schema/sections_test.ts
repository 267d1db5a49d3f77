import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseGroupEntry } from "../../../src/config/schema/access.ts";
import { renderProblems } from "../../../src/config/text/problem.ts";
import { toIntents } from "../../../src/discord/gateway/read/intents.ts";
import { loadTestConfig } from "../../support/config.ts";
import { configOf, discord, load, loadedOf, problemLines, rendered } from "../support.ts";

const textOf = async (text: string): Promise<string> => (await loadedOf(text)).text ?? "";

describe("[C8] the text of a config without its secrets", () => {
  it("has every secret blanked letter by letter, and no other change", async () => {
    const text = `{ // was MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe
  "channels": { "discord": { "token": "hunter2\\u0021", "dm": { "enabled": false },
    "guilds": { "a": { "slug": "Abc123Abc123Abc123Abc123" } },
    "accounts": { "b": { "token": "hunter3", "pluralkit": { "token": "hunter4" } } } } },
  "models": { "providers": { "x": { "kind": "anthropic", "apiKey": "hunter5",
    "headers": { "h": "hunter6" } } } },
  "mcp": { "servers": { "s": { "command": "c", "env": { "K": "hunter7" } } } }
}`;
    assert.equal(
      await textOf(text),
      text.replace("hunter2\\u0021", "*".repeat(13)).replaceAll(/hunter\d/g, "*".repeat(7))
        .replace("MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe", "*".repeat(31)),
    );
  });

  it("can be read again, also with secrets that are addresses", async () => {
    const text = `{ "channels": { "discord": { "dm": { "enabled": false } } },
  "alerts": { "webhook": "https://a.example/swordfish" } }`;
    const blanked = await textOf(text);
    assert.doesNotMatch(blanked, /swordfish|example/);
    assert.equal((await loadedOf(blanked)).config.accounts[0]?.access.dm.enabled, false);
  });

  it("keeps references to secrets, and changes nothing without secrets", async () => {
    const text = '{"channels":{"discord":{"dm":{"enabled":false}}}} // nothing to hide';
    assert.equal(await textOf(text), text);
    const { text: kept } = await loadedOf(
      '{"channels":{"discord":{"token":"${A}","pluralkit":{"token":{"file":"/k"}}}},' +
        '"http":{"port":8080}}',
      { env: { A: "x" }, files: { "/k": "y" } },
    );
    assert.match(kept ?? "", /"\$\{A\}".*\{"file":"\/k"\}/);
  });

  it("has no copy of a secret in its comments, which keep their ends", async () => {
    const text = `{ /* swordfish/2 or https://a/Abc123Abc123Abc123Abc123/x, ada:pw@b/ */
  "http": { "token": "swordfish" }, // not "swordfish": https://ada:pass@example.com/
  "channels": { "discord": { /*swordfish*/ "dm": { "enabled": false } } } }`;
    const blanked = await textOf(text);
    assert.doesNotMatch(blanked, /swordfish|Abc123|pass/);
    assert.equal(blanked.length, text.length);
    const again = await loadedOf(blanked.replace('"token": "*********"', '"token": "herring"'));
    assert.equal(again.config.accounts[0]?.access.dm.enabled, false);
  });

  it("has the secret of the last of many providers blanked, and finds none in many guilds", async () => {
    const names = Array.from({ length: 20 }, (_, number) => `p${number}`);
    const guilds = Object.fromEntries(names.map((_, number) => [`${100 + number}`, {}]));
    const providers = Object.fromEntries(names.map((name, number) => [
      name,
      { kind: "anthropic", apiKey: number < 19 ? { file: "/k" } : "hunter2" },
    ]));
    const one = JSON.stringify({ channels: { discord: { guilds } }, models: { providers } });
    const loaded = await loadedOf(one, { files: { "/k": "y" } });
    assert.equal(loaded.text, one.replace("hunter2", "*".repeat(7)));
    assert.ok(loaded.holdsSecret);
    const none = JSON.stringify({ channels: { discord: { guilds } } });
    const without = await loadedOf(none);
    assert.deepEqual([without.text, without.holdsSecret], [none, false]);
  });

  it("is absent without a file", async () => {
    assert.equal((await loadedOf(undefined)).text, undefined);
  });

  it("shows no part of a token, and parses to the same value", async () => {
    const token = fc.string({ unit: "grapheme-ascii", minLength: 6, maxLength: 30 })
      .map((text) => `s3cr3t${text.replace(/[ $<>.*]/g, "y")}`);
    await fc.assert(
      fc.asyncProperty(token, token, async (one, other) => {
        fc.pre(one !== other);
        const written = {
          channels: { discord: { token: one, accounts: { a: { token: other } } } },
        };
        const blanked = await textOf(JSON.stringify(written));
        assert.doesNotMatch(blanked, /s3cr3t/);
        const again = JSON.parse(blanked);
        assert.deepEqual(Object.keys(again.channels.discord.accounts), ["a"]);
        assert.match(again.channels.discord.token, /^\*+$/);
      }),
      { numRuns: 100 },
    );
  });
});

describe("[C8] a shown line with an error", () => {
  const LINES: readonly string[] = [
    '{ "http": { "token": "hunter2 two" "x": 1 } }',
    '{ "http": { "token": hunter2 } }',
    '{ "http": { "token": "hunter2 }',
    "{ http: { token: 'hunter2, or so' } }",
    '{ "http": { "token" : "hunter2", "token": "hunter3" } }',
    '{ "models": { "providers": { "x": { "apiKey": "hunter2"; "headers": { "a": "hunter3" } } } } }',
    '{ "models": { "providers": { "x": { "headers": { "Api-Key": "hunter2", "b": "hunter3" "c" } } } } }',
    '{ "http": { "token": { "env": "hunter2-x" } } }',
    '{ "http": { "token": { "env": "hunter2", "file": "hunter3" } } }',
    '{ "http": { "keepAliveUrl": "https://ada:hunter2@example.com/" "token": "${T}" } }',
    '{ "http": { "keepAliveUrl": "https://ada:hunter2@example.com/" } }',
    '{ "models": { "providers": { "x": { "kind": "anthropic", "baseUrl": "https://ada:hunter2@b/" } } } }',
    '{"channels":{"discord":{"tokn":"hunter2","accounts":{"token":"hunter2"},"pluralkit":"hunter2"}}}',
    '{"models":{"providers":{"apiKey":"hunter2"}},"search":"hunter2"}',
    '{"channels":{"discord":{"token":["hunter2"]}}}',
    '{"channels":{"discord":{"token":98765432}}}',
    '{"channels":{"discord":{"token":98765432109876543}}}',
    '{"channels":{"discord":{"token":{"fil":"hunter2"}}}}',
    '{"channels":{"discord":{"token":"hunter2","nope":1}}}',
    '{"channels":{"discord":{"token":"pre${hunter2"}}}',
    '{"models":{"providers":{"x":{"kind":"nope","headers":{"a":"hunter2"}}}}}',
    '{"mcp":{"servers":{"x":{"env":{"a":"hunter2"}}}}}',
    '{"channels":{"discord":{"accounts":{"a":{"token":"hunter2"},"b":{"token":"hunter2"}}}}}',
  ];
  for (const line of LINES) {
    it(`has no secret: ${line}`, async () => {
      const loaded = await load(line);
      assert.equal(loaded.kind, "refused");
      const shown = renderProblems(loaded.problems);
      assert.match(shown, /1 \| /);
      assert.doesNotMatch(shown + JSON.stringify(loaded), /hunter|98765432/);
    });
  }

  it("keeps references to secrets", async () => {
    assert.match(await rendered('{ "http": { "token": "${T}" "x": 1 } }'), /"\$\{T\}"/);
  });
});

describe("[P4] [P5] parseGroupEntry()", () => {
  const taken: readonly (readonly [text: string, entry: object])[] = [
    ["*", { kind: "any" }],
    [" * ", { kind: "any" }],
    ["175928847299117063", { kind: "channel", id: "175928847299117063" }],
    ["channel:175928847299117063", { kind: "channel", id: "175928847299117063" }],
    ["CHANNEL:175928847299117063", { kind: "channel", id: "175928847299117063" }],
    ["book-club", { kind: "name", name: "book-club" }],
    ["日本語", { kind: "name", name: "日本語" }],
    ["a:b", { kind: "name", name: "a:b" }],
    ["4 of us", { kind: "name", name: "4 of us" }],
  ];
  for (const [text, entry] of taken) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseGroupEntry(text), entry));
  }

  const refused = [
    "",
    " ",
    "0",
    "012345678901234567",
    "18446744073709551616",
    "channel:",
    "channel:ada",
    "channel: 1",
    "channel:1\n2",
    "user:1",
    "USER:1",
    "Role:mods",
    "discord:1",
    "<@1>",
    "role:1",
    "pk:abcde",
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}, which can match no group`, () => {
      assert.equal(parseGroupEntry(text).kind, "problem");
    });
  }
});

describe("[P13] channels.discord.pluralkit.apiUrl", () => {
  const taken = [
    "https://api.pluralkit.me/v2",
    "https://pk.example.org:8443/v2/",
    "http://127.0.0.1:9000/v2",
    "http://[::1]:9000",
    "http://localhost:9000",
  ];
  for (const url of taken) {
    it(`takes ${url}`, async () => {
      const config = await configOf(discord(`"pluralkit":{"apiUrl":"${url}"}`));
      assert.equal(config.discord.pluralkit.apiUrl, url.replace(/\/$/, ""));
    });
  }

  const refused = [
    "http://api.pluralkit.me/v2",
    "http://192.168.1.2/v2",
    "http://127.0.0.1.example.org/v2",
    "https://user:hunter2@pk.example.org/v2",
    "ftp://127.0.0.1/v2",
    "api.pluralkit.me",
    "",
  ];
  for (const url of refused) {
    it(`refuses ${url || "nothing"}, where a token must not go`, async () => {
      const found = await problemLines(discord(`"pluralkit":{"apiUrl":"${url}"}`));
      assert.match(found.join(), /^error channels\.discord\.pluralkit\.apiUrl: /);
    });
  }
});

describe("[P4] a role in a list of people", () => {
  for (const entry of ["role:1400000000000000003", "Role:Mods"]) {
    it(`${entry} is refused for direct messages, which carry no roles`, async () => {
      const found = await problemLines(
        `{"channels":{"discord":{"dm":{"allowFrom":["ada","${entry}"]},
          "accounts":{"work":{"token":"t","dm":{"allowFrom":["${entry}"]}}}}}}`,
      );
      assert.deepEqual(found, [
        `error channels.discord.dm.allowFrom[1]: "${entry}" matches no one: a direct message has no roles`,
        `error channels.discord.accounts.work.dm.allowFrom[0]: "${entry}" matches no one: a direct message has no roles`,
      ]);
    });

    it(`${entry} is accepted for a guild`, async () => {
      await configOf(discord(`"guilds":{"*":{"users":["${entry}"]}}`));
    });
  }
});

describe("[P11] channels.discord.loopGuard", () => {
  it("needs at least one message, and never mutes for ever", async () => {
    for (const keys of ['"maxTurns":0', '"muteMin":-1', '"muteMin":1441', '"maxTurns":1.5']) {
      const found = await problemLines(discord(`"loopGuard":{${keys}}`));
      assert.match(found.join(), /^error channels\.discord\.loopGuard\./);
    }
  });
});

describe("[R9] messages.linkHosts", () => {
  it("takes hosts, and all subdomains of one", async () => {
    const hosts = ["example.org", "*.example.org", "*"];
    const config = await configOf(`{ "messages": { "linkHosts": ${JSON.stringify(hosts)} } }`);
    assert.deepEqual(config.messages.linkHosts, hosts);
  });

  for (const host of ["https://example.org", "example.org/x", "a.*.org", "", "example.org:80"]) {
    it(`refuses ${JSON.stringify(host)}`, async () => {
      const found = await problemLines(
        `{ "messages": { "linkHosts": [${JSON.stringify(host)}] } }`,
      );
      assert.match(found.join("\n"), /messages\.linkHosts.*Expected a host/);
    });
  }
});

describe("[R7] messages.ackReaction", () => {
  for (const emoji of ["👀", "❤", "❤️", "👍🏽", "🏳️‍🌈", "🇩🇪", "<:krill:123456789012345678>"]) {
    it(`may be ${emoji}`, async () => {
      const config = await configOf(`{ "messages": { "ackReaction": "${emoji}" } }`);
      assert.equal(config.messages.ackReaction, emoji);
    });
  }

  it("may be empty", async () => {
    const config = await configOf('{ "messages": { "ackReaction": "" } }');
    assert.equal(config.messages.ackReaction, undefined);
  });

  for (const other of ["eyes", ":eyes:", "👀👀", "..", " ", "<:krill:1>", "\\ud83d", "1"]) {
    it(`may not be ${other}`, async () => {
      const found = await problemLines(`{ "messages": { "ackReaction": "${other}" } }`);
      assert.match(found.join("\n"), /error messages\.ackReaction: Expected one emoji/);
    });
  }
});

const near = { kind: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" };
const withVoice = (voice: object, audio: object = {}) =>
  JSON.stringify({
    channels: { discord: { token: "x".repeat(60) } },
    agents: { defaults: { model: "near/llama" } },
    models: { providers: { near } },
    voice,
    audio,
  });
const SPEECH = { transcribe: "near/ear", speak: "near/mouth" };

describe("[V1] voice", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      "no server that hears",
      withVoice({}, { speak: "near/a" }),
      /Without audio\.transcribe, the bot joins/,
    ],
    ["no server that speaks", withVoice({}, { transcribe: "near/a" }), /Without audio\.speak/],
    ["realtime without a model", withVoice({ mode: "realtime" }), /"realtime" needs "realtime"/],
    [
      "a model of an unknown provider",
      withVoice({ mode: "realtime", realtime: "far/talk" }),
      /voice\.realtime: .*unknown provider: "far"/,
    ],
    ["a channel by its name", withVoice({ autoJoin: ["deck"] }, SPEECH), /Expected a Discord id/],
    ["a pause that ends each word", withVoice({ pauseMs: 10 }, SPEECH), /voice\.pauseMs/],
  ];
  for (const [what, text, told] of cases) {
    it(`tells ${what}`, async () => {
      assert.match((await problemLines(text)).join("\n"), told);
    });
  }

  it("asks for the intent of voice states, which reconnects, only if it is there", async () => {
    const bits = async (keys: object) => {
      const { discord: { gateway } } = await loadTestConfig({}, {
        audio: SPEECH,
        models: { providers: { near } },
        ...keys,
      });
      return toIntents("agent_recommended", gateway.reactions).bits & (1 << 7);
    };
    assert.equal(await bits({}), 0);
    assert.equal(await bits({ voice: {} }), 1 << 7);
  });
});

const SECRET = "0123456789abcdef0123456789abcdef";
const HOOK = { to: "channel:123456789012345678", secret: SECRET };

async function problemsOf(hook: object, more: object = {}): Promise<readonly string[]> {
  const text = JSON.stringify({ hooks: { uptime: { ...HOOK, ...hook } }, ...more });
  const { problems } = await load(text, { env: { DISCORD_BOT_TOKEN: "t" } });
  return problems.filter(({ path }) => /^(?:hooks|http)/.test(path ?? ""))
    .map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

describe("[W1] [W4] hooks in the config", () => {
  it("need a place and a secret, and nothing else", async () => {
    assert.deepEqual(await problemsOf({}), []);
  });

  const cases: readonly (readonly [what: string, hook: object, problem: string])[] = [
    ["none", { secret: undefined }, 'error hooks.uptime.secret: The hook "uptime" has no secret'],
    [
      "a short secret",
      { secret: "short" },
      "error hooks.uptime.secret: The secret is too short: anyone could guess it",
    ],
    [
      "a token with a blank",
      { secret: `${SECRET} x` },
      "error hooks.uptime.secret: A bearer token has no blanks, and only ASCII characters",
    ],
    [
      "a key of Standard Webhooks that is no base64",
      { scheme: "standard", secret: `whsec_${"!".repeat(40)}` },
      "error hooks.uptime.secret: The secret is no key of Standard Webhooks, which is base64 of 24 " +
      "bytes or more",
    ],
    [
      "a bare number",
      { to: "123456789012345678" },
      'error hooks.uptime.to: "123456789012345678" may be a user or a channel',
    ],
    [
      "a template without its end",
      { template: "{{ a" },
      "error hooks.uptime.template: The template cannot be read: {{ and }} do not match",
    ],
    [
      "a path that is none",
      { only: { "a b": "c" } },
      'error hooks.uptime.only."a b": "a b" is no path, such as alerts[0].labels.name',
    ],
    [
      "nothing to post",
      { model: false },
      "error hooks.uptime.model: Without a model, there is nothing to post",
    ],
    ["no incident", { ends: { a: "b" } }, "error hooks.uptime.ends: Only an incident can end"],
    [
      "a thread in a direct message",
      { to: "user:123456789012345678", thread: "{{ a }}" },
      "error hooks.uptime.thread: Direct messages have no threads",
    ],
    ["no agent", { agent: "nobody" }, 'error hooks.uptime.agent: There is no agent "nobody"'],
    [
      "an unknown account",
      { account: "nobody" },
      'error hooks.uptime.account: There is no account "nobody"',
    ],
    [
      "tools without a model",
      { model: false, template: "x", tools: ["fetch_page"] },
      "warning hooks.uptime.tools: Without a model, no tool is used",
    ],
  ];
  for (const [what, hook, problem] of cases) {
    it(`are refused in words: ${what}`, async () => {
      const problems = await problemsOf(hook);
      assert.ok(problems.some((one) => one.startsWith(problem)), problems.join("\n"));
    });
  }

  it("warn if other machines can reach them, and need no token of the server", async () => {
    assert.deepEqual(await problemsOf({}, { http: { hooks: { bind: "0.0.0.0" } } }), [
      'warning http.hooks.bind: Other machines can reach the hooks at "0.0.0.0"',
    ]);
  });
});
