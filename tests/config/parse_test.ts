import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseConfig } from "../../src/config/parse.ts";
import { renderProblems } from "../../src/config/text/problem.ts";
import { safeOutput } from "../../src/lib/text/quoted.ts";
import { accessOf, configOf, load, rendered } from "./support.ts";
import { anyCharacter } from "../support/any_character.ts";

/** Broken files, each with the operator's whole output. */
const GOLDEN: readonly (readonly [rule: string, name: string, text: string, shown: string])[] = [
  [
    "C2",
    "a key that does not exist, with the nearest one",
    `{
  "channels": {
    "discord": { "dm": { "polcy": "pairing" } }
  }
}`,
    `config.jsonc:3:26: error: There is no key "polcy" here
  in channels.discord.dm.polcy
3 |     "discord": { "dm": { "polcy": "*******" } }
  |                          ^^^^^^^
  = did you mean "policy"?
`,
  ],
  [
    "C2",
    "a value that is not one of its words",
    `{ "log": { "level": "inof" } }`,
    `config.jsonc:1:21: error: Expected "error", "warn", "info", "debug" or "connection_debug", found "inof"
  in log.level
1 | { "log": { "level": "inof" } }
  |                     ^^^^^^
  = did you mean "info"?
`,
  ],
  [
    "C2",
    "a number out of bounds",
    `{ "channels": { "discord": { "textChunkLimit": 2001 } } }`,
    `config.jsonc:1:48: error: Expected a whole number from 100 to 2000, found 2001
  in channels.discord.textChunkLimit
1 | { "channels": { "discord": { "textChunkLimit": 2001 } } }
  |                                                ^^^^
`,
  ],
  [
    "C2",
    "a key that is missing",
    `{ "agents": { "list": [{ "name": "Barney" }] } }`,
    `config.jsonc:1:24: error: "id" is missing
  in agents.list[0].id
1 | { "agents": { "list": [{ "name": "Barney" }] } }
  |                        ^
  = add "id": a text in quotes
`,
  ],
  [
    "C2",
    "all errors at once, in the order of the file",
    `{
  "http": { "port": "8787" },
  "agents": { "defaults": { "model": { "primry": "a/b" }, "timezone": "Mars" } },
  "messages": []
}`,
    `config.jsonc:2:21: error: Expected a whole number from 0 to 65535, found "8787"
  in http.port
2 |   "http": { "port": "8787" },
  |                     ^^^^^^
  = write the number without quotes: 8787

config.jsonc:3:29: error: "primary" is missing
  in agents.defaults.model.primary
3 |   "agents": { "defaults": { "model": { "primry": "***" }, "timezone": "Mars" } },
  |                             ^^^^^^^
  = add "primary": a text in quotes

config.jsonc:3:40: error: There is no key "primry" here
  in agents.defaults.model.primry
3 |   "agents": { "defaults": { "model": { "primry": "***" }, "timezone": "Mars" } },
  |                                        ^^^^^^^^
  = did you mean "primary"?

config.jsonc:3:71: error: Expected a time zone, found "Mars"
  in agents.defaults.timezone
3 |   "agents": { "defaults": { "model": { "primry": "***" }, "timezone": "Mars" } },
  |                                                                       ^^^^^^
  = such as "Europe/Berlin" or "UTC"

config.jsonc:4:15: error: Expected an object in braces, found a list
  in messages
4 |   "messages": []
  |               ^^
  = write its keys in braces: { … }
`,
  ],
  [
    "C2",
    "a list in place of named entries",
    `{ "channels": { "discord": { "guilds": ["Krill"] } } }`,
    `config.jsonc:1:40: error: Expected an object in braces, found a list
  in channels.discord.guilds
1 | { "channels": { "discord": { "guilds": ["Krill"] } } }
  |                                        ^^^^^^^^^
  = write braces, with a name for each entry: { "Krill": {} }
`,
  ],
  [
    "C3",
    "an id without quotes, digit by digit as it is written",
    `{ "channels": { "discord": { "dm": { "allowFrom": [175928847299117063] } } } }`,
    `config.jsonc:1:52: error: Write an id in quotes: as a number, it would be rounded
  in channels.discord.dm.allowFrom[0]
1 | { "channels": { "discord": { "dm": { "allowFrom": [175928847299117063] } } } }
  |                                                    ^^^^^^^^^^^^^^^^^^
  = write "175928847299117063"
`,
  ],
  [
    "C3",
    "a warning for requireMention above the guilds",
    `{ "channels": { "discord": { "requireMention": false, "dm": { "enabled": false } } } }`,
    `config.jsonc:1:30: warning: "requireMention" has no effect here
  in channels.discord.requireMention
1 | { "channels": { "discord": { "requireMention": false, "dm": { "enabled": false } } } }
  |                              ^^^^^^^^^^^^^^^^
  = it belongs in a guild, "guilds": { "*": { "requireMention": … } }, or in a channel
`,
  ],
  [
    "C3",
    "an error for a misplaced allow list, because its writer relies on it",
    `{ "channels": { "discord": { "allowFrom": ["ada"] } } }`,
    `config.jsonc:1:30: error: There is no key "allowFrom" here
  in channels.discord.allowFrom
1 | { "channels": { "discord": { "allowFrom": ["***"] } } }
  |                              ^^^^^^^^^^^
  = it belongs in channels.discord.dm
`,
  ],
  [
    "C5",
    "an error for a secret in a form of other programs, with the forms that there are",
    `{ "channels": { "discord": { "token": { "var": "TOKEN" } } } }`,
    `config.jsonc:1:30: error: "file" is missing
  in channels.discord.token.file
1 | { "channels": { "discord": { "token": { "var": "*****" } } } }
  |                              ^^^^^^^
  = add "file": a text in quotes, not empty

config.jsonc:1:41: error: There is no key "var" here
  in channels.discord.token.var
1 | { "channels": { "discord": { "token": { "var": "*****" } } } }
  |                                         ^^^^^
  = write a text, or { "file": "<name>" }
`,
  ],
  [
    "P2",
    'an open policy without "*" in allowFrom',
    `{ "channels": { "discord": { "dm": { "policy": "open", "allowFrom": ["ada"] } } } }`,
    `config.jsonc:1:48: error: The policy "open" lets anyone DM the bot, so "allowFrom" must contain "*"
  in channels.discord.dm.policy
1 | { "channels": { "discord": { "dm": { "policy": "open", "allowFrom": ["ada"] } } } }
  |                                                ^^^^^^
  = add "allowFrom": ["*"], or choose another policy
`,
  ],
  [
    "C1",
    "JSON5 with one error, which names the cure",
    `{
  channels: { discord: { token: 'YOUR_BOT_TOKEN' } },
  log: { level: 'info' },
}`,
    `config.jsonc:2:3: error: Keys and texts need double quotes here; this looks like JSON5
2 |   channels: { discord: { token: '**************' } },
  |   ^^^^^^^^
  = \`barnacle config import <file>\` converts it
`,
  ],
  [
    "C2",
    "a missing comma, before all other errors",
    `{
  "log": { "level": "nonsense" }
  "http": { "port": 1, }
}`,
    `config.jsonc:3:3: error: A comma is missing here
3 |   "http": { "port": 1, }
  |   ^^^^^^
`,
  ],
  [
    "C2",
    "all errors of the schema in one run, and others once it is valid",
    `{
  "log": { "level": "nonsense" },
  "channels": { "discord": { "token": "\${BOT_TOKEN}" } },
  "messages": { "groupChat": { "mentionPatterns": ["(?=a)b"], "historyLimit": -1 } }
}`,
    `config.jsonc:2:21: error: Expected "error", "warn", "info", "debug" or "connection_debug", found "nonsense"
  in log.level
2 |   "log": { "level": "nonsense" },
  |                     ^^^^^^^^^^

config.jsonc:4:79: error: Expected a whole number from 0 to 500, found -1
  in messages.groupChat.historyLimit
4 |   "messages": { "groupChat": { "mentionPatterns": ["(?=a)b"], "historyLimit": -1 } }
  |                                                                               ^^
`,
  ],
  [
    "C2",
    "a model at the top of the file, with its right place",
    `{ "model": "ollama/llama3.2" }`,
    `config.jsonc:1:3: error: There is no key "model" here
  in model
1 | { "model": "***************" }
  |   ^^^^^^^
  = write it in agents: "agents": { "defaults": { "model": "<provider>/<model>" } }
`,
  ],
  [
    "C2",
    "a repeated key, of which a parser would take the last",
    `{
  "log": { "level": "info" },
  "log": {}
}`,
    `config.jsonc:3:3: error: The key "log" is here twice: it is in line 2, too
  in log
3 |   "log": {}
  |   ^^^^^
  = keep one of them
`,
  ],
  [
    "C2",
    "a key that reaches a prototype",
    `{ "__proto__": { "log": {} } }`,
    `config.jsonc:1:3: error: The key "__proto__" is not allowed
  in __proto__
1 | { "__proto__": { "log": {} } }
  |   ^^^^^^^^^^^
  = remove it
`,
  ],
];

describe("parseConfig() and loadConfig() report", () => {
  for (const [rule, name, text, shown] of GOLDEN) {
    it(`[${rule}] ${name}`, async () => {
      assert.equal(await rendered(text), shown);
    });
  }

  it("[C1] no problem for comments and trailing commas", async () => {
    const text = `// one
{ /* two */ "log": { "level": "debug", }, }`;
    assert.equal((await configOf(text)).log.level, "debug");
  });

  it("[C1] no problem for a byte order mark", async () => {
    assert.equal((await configOf('\uFEFF{ "log": { "level": "debug" } }')).log.level, "debug");
  });

  it("[C8] no part of a mistyped token's line", async () => {
    for (
      const text of [
        '{"channels":{"discord":{"tokn":"hunter2"}}}',
        '{"channels":{"discord":{"token":["hunter2"]}}}',
        '{"channels":{"discord":{"token":98765432}}}',
        '{"channels":{"discord":{"token":98765432109876543}}}',
        '{"channels":{"discord":{"token":{"fil":"hunter2"}}}}',
        '{"channels":{"discord":{"token":"hunter2","nope":1}}}',
        '{"channels":{"discord":{"token":"pre${hunter2"}}}',
        '{"models":{"providers":{"x":{"kind":"nope","headers":{"a":"hunter2"}}}}}',
        '{"mcp":{"servers":{"x":{"env":{"a":"hunter2"}}}}}',
      ]
    ) {
      const loaded = await load(text);
      assert.equal(loaded.kind, "refused", text);
      assert.doesNotMatch(JSON.stringify(loaded), /hunter2|98765432/, text);
    }
  });

  it("[C8] nothing like a token if the text does not parse", async () => {
    const token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.aBcDeFgHiJkLmNoPqRsTuVwXyZ012345678901";
    for (const quote of ['"', "'"]) {
      const text = `{"channels":{"discord":{"token":${quote}${token}${quote} "x" 1}}}`;
      assert.doesNotMatch(await rendered(text), /GaBcDe|aBcDeFgHiJkL/);
    }
  });

  it("[C2] repeats no long value whole", async () => {
    for (const long of ["x".repeat(100_000), "x ".repeat(50_000), "😀".repeat(50_000)]) {
      const files: readonly object[] = [
        { http: { bind: long } },
        { agents: { defaults: { model: `a${long}/b` } } },
        { [long]: 1 },
        { models: { providers: { a: { kind: long } } } },
        {
          channels: {
            discord: { guilds: { [long]: { channels: { [long]: { users: [long] } } } } },
          },
        },
        { hooks: { [long]: {} } },
        { commands: { ownerAllowFrom: [long] } },
      ];
      for (const file of files) {
        const shown = await rendered(JSON.stringify(file));
        assert.ok(shown.length < 8_000, `${shown.length}: ${shown.slice(0, 300)}`);
      }
    }
  });

  it("[X1] no line break, escape or reversed text of a key", async () => {
    const shown = await rendered('{"a\\u001b[31m\\n\\u202eb": 1, "\u202ec\u0007": 2}');
    assert.doesNotMatch(shown.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  });
});

describe("[C2] parseConfig() bounds", () => {
  const bounded: readonly (readonly [name: string, text: string, message: RegExp])[] = [
    ["deep nesting", `{"a":${"[".repeat(1e5)}`, /nested too deep: at most 32 levels/],
    ["a large file", `{"a":"${"x".repeat(2 ** 20)}"}`, /too large/],
    ["an empty file", " \n", /The file is empty/],
    ["a file of comments", "// a\n /* b */\n// c", /The file has only comments/],
    ["a value that is not an object", "[1]", /an object in braces, but this is a list/],
  ];
  for (const [name, text, message] of bounded) {
    it(`refuses ${name}`, async () => {
      const { problems, settings } = await parseConfig({ file: "c", text });
      assert.equal(settings, undefined);
      assert.match(problems[0]!.message, message);
    });
  }

  it("reports a hundred of a hundred thousand errors, each on a short line", async () => {
    const keys = Array.from({ length: 50_000 }, (_, index) => `"k${index}":0`);
    const { problems } = await parseConfig({ file: "c", text: `{${keys.join(",")}}` });
    assert.ok(problems.length <= 200);
    const shown = renderProblems(problems);
    assert.match(shown, /… and 100 more\n$/);
    assert.ok(shown.split("\n").every((line) => line.length < 500));
  });
});

describe("[P2] [P8] parseConfig() under random edits", () => {
  const VALID = `{
  "channels": { "discord": {
    "token": "t", "groupPolicy": "allowlist",
    "dm": { "policy": "allowlist", "allowFrom": ["123456789012345678"] },
    "guilds": { "123456789012345679": {
      "users": ["123456789012345678"], "requireMention": true,
      "channels": { "help": { "allow": true } } } }
  } }
}`;
  const piece = fc.oneof(
    fc.constantFrom(...'{}[]:,"\\/* \n', "null", "true", "0", "__proto__", "//", "'", '""'),
    fc.string({ maxLength: 4, unit: anyCharacter }),
  );
  const edit = fc.record({ at: fc.nat(VALID.length), drop: fc.nat(12), put: piece });

  it("never rejects, and lets in only users that the file names", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const text = edits.reduce(
          (before, { at, drop, put }) => before.slice(0, at) + put + before.slice(at + drop),
          VALID,
        );
        const loaded = await load(text);
        if (loaded.kind === "refused") {
          assert.ok(loaded.problems.some(({ severity }) => severity === "error"));
          return;
        }
        const access = accessOf(loaded);
        assert.notEqual(access.dm.policy, "open");
        const named = [
          ...access.dm.allowFrom,
          ...Object.values(access.guilds ?? {}).flatMap(({ users, channels }) => [
            ...users ?? [],
            ...Object.values(channels ?? {}).flatMap((channel) => channel.users ?? []),
          ]),
        ];
        for (const entry of named) {
          if (entry.kind === "anyone") assert.ok(text.includes("*"));
          if (entry.kind === "user") assert.ok(text.includes(entry.id));
        }
        // An edit may remove the whole section; the rest of it is never open by itself.
        if (access.groupPolicy === "open") {
          assert.ok(text.includes('"open"') || !("discord" in Object(loaded.written["channels"])));
        }
      }),
      { numRuns: 400 },
    );
  });

  it("never rejects, for any content of the file", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: anyCharacter }),
          fc.json(),
          fc.array(piece).map((all) => all.join("")),
        ),
        async (text) => {
          const shown = renderProblems((await load(text)).problems, { colour: true });
          assert.equal(safeOutput(shown), shown);
        },
      ),
      { numRuns: 300 },
    );
  });
});
