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
];

/** Broken files, each with the places, words and hints of its problems. */
const TOLD: readonly (readonly [rule: string, text: string, ...told: string[]])[] = [
  [
    "C2",
    `{ "log": { "level": "inof" } }`,
    `1:21 error log.level: Expected "error", "warn", "info", "debug" or "connection_debug", found "inof" = did you mean "info"?`,
  ],
  [
    "C2",
    `{ "channels": { "discord": { "textChunkLimit": 2001 } } }`,
    "1:48 error channels.discord.textChunkLimit: Expected a whole number from 100 to 2000, found 2001",
  ],
  [
    "C2",
    `{ "agents": { "list": [{ "name": "Barney" }] } }`,
    `1:24 error agents.list[0].id: "id" is missing = add "id": a text in quotes`,
  ],
  [
    "C2",
    `{ "channels": { "discord": { "guilds": ["Krill"] } } }`,
    `1:40 error channels.discord.guilds: Expected an object in braces, found a list = write braces, with a name for each entry: { "Krill": {} }`,
  ],
  [
    "C3",
    `{ "channels": { "discord": { "dm": { "allowFrom": [175928847299117063] } } } }`,
    `1:52 error channels.discord.dm.allowFrom[0]: Write an id in quotes: as a number, it would be rounded = write "175928847299117063"`,
  ],
  [
    "C3",
    `{ "channels": { "discord": { "requireMention": false, "dm": { "enabled": false } } } }`,
    `1:30 warning channels.discord.requireMention: "requireMention" has no effect here = it belongs in a guild, "guilds": { "*": { "requireMention": … } }, or in a channel`,
  ],
  [
    "C3",
    `{ "channels": { "discord": { "allowFrom": ["ada"] } } }`,
    `1:30 error channels.discord.allowFrom: There is no key "allowFrom" here = it belongs in channels.discord.dm`,
  ],
  [
    "P2",
    `{ "channels": { "discord": { "dm": { "policy": "open", "allowFrom": ["ada"] } } } }`,
    `1:48 error channels.discord.dm.policy: The policy "open" lets anyone DM the bot, so "allowFrom" must contain "*" = add "allowFrom": ["*"], or choose another policy`,
  ],
  [
    "C2",
    `{
  "log": { "level": "nonsense" }
  "http": { "port": 1, }
}`,
    "3:3 error : A comma is missing here",
  ],
  [
    "C2",
    `{
  "log": { "level": "nonsense" },
  "channels": { "discord": { "token": "\${BOT_TOKEN}" } },
  "messages": { "groupChat": { "mentionPatterns": ["(?=a)b"], "historyLimit": -1 } }
}`,
    `2:21 error log.level: Expected "error", "warn", "info", "debug" or "connection_debug", found "nonsense"`,
    "4:79 error messages.groupChat.historyLimit: Expected a whole number from 0 to 500, found -1",
  ],
  [
    "C2",
    `{ "model": "ollama/llama3.2" }`,
    `1:3 error model: There is no key "model" here = write it in agents: "agents": { "defaults": { "model": "<provider>/<model>" } }`,
  ],
  [
    "C2",
    `{
  "log": { "level": "info" },
  "log": {}
}`,
    `3:3 error log: The key "log" is here twice: it is in line 2, too = keep one of them`,
  ],
  [
    "C2",
    `{ "__proto__": { "log": {} } }`,
    `1:3 error __proto__: The key "__proto__" is not allowed = remove it`,
  ],
];

describe("parseConfig() and loadConfig() report", () => {
  for (const [rule, name, text, shown] of GOLDEN) {
    it(`[${rule}] ${name}`, async () => {
      assert.equal(await rendered(text), shown);
    });
  }
  for (const [rule, text, ...told] of TOLD) {
    it(`[${rule}] ${told.join()}`, async () => {
      const said = (await load(text)).problems.map((
        { line, column, severity, path, message, hint },
      ) => `${line}:${column} ${severity} ${path}: ${message}${hint ? ` = ${hint}` : ""}`);
      assert.deepEqual(said, told);
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
