import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  MAX_DEPTH,
  parsePath,
  positionOf,
  positionsIn,
  readTree,
  readTyped,
} from "../../../src/config/text/edit.ts";
import { pathText } from "../../../src/lib/text/quoted.ts";
import { anyCharacter } from "../../support/any_character.ts";
import { anyValue } from "../jsonc_texts.ts";
import { load, rendered } from "../support.ts";

describe("parsePath()", () => {
  const GOOD: readonly (readonly [typed: string, path: readonly (string | number)[]])[] = [
    ["channels.discord.token", ["channels", "discord", "token"]],
    ["guilds.123456789012345678.requireMention", [
      "guilds",
      "123456789012345678",
      "requireMention",
    ]],
    ['guilds."my guild".users[0]', ["guilds", "my guild", "users", 0]],
    ['guilds."*"', ["guilds", "*"]],
    ["guilds.*", ["guilds", "*"]],
    ["guilds.日本語", ["guilds", "日本語"]],
    ['"a.b"[3][0]', ["a.b", 3, 0]],
    ['"say \\"hi\\""', ['say "hi"']],
    ['"\\u{200b}"', ["\u200b"]],
    ["", []],
  ];
  for (const [typed, path] of GOOD) {
    it(`[C10] reads ${typed || "nothing as the whole file"}`, () => {
      assert.deepEqual(parsePath(typed), { kind: "path", path, appends: false });
    });
  }

  it("[C10] tells `[+]` from a key", () => {
    const read = parsePath("users[+]");
    assert.deepEqual(read, { kind: "path", path: ["users"], appends: true });
  });

  for (
    const typed of ["a..b", ".a", "a.", "a[x]", "a[-1]", 'a."b', "a b", "a[+].b", "a]", '"\\x"']
  ) {
    it(`[C10] refuses ${typed}`, () => {
      const read = parsePath(typed);
      assert.equal(read.kind, "problem");
      assert.match(read.kind === "problem" ? read.message : "", /is not a path: .* write it as/);
    });
  }

  it("[C10] reads what pathText writes", () => {
    const key = fc.string({ unit: anyCharacter, maxLength: 20 }).filter((text) =>
      text.isWellFormed()
    );
    const segment = fc.oneof(key, fc.nat(999), fc.constantFrom("__proto__", "a\u200bb", "*", "1"));
    fc.assert(fc.property(fc.array(segment), (rest) => {
      const path = ["first", ...rest];
      assert.deepEqual(parsePath(pathText(path)), { kind: "path", path, appends: false });
    }));
  });
});

const ID = "123456789012345678";

describe("[C10] readTyped()", () => {
  it("reads JSON, and nothing else", () => {
    fc.assert(fc.property(anyValue, (value) => {
      assert.deepEqual(readTyped(JSON.stringify(value)), { value });
    }));
    const none = ["", "x y", "[1", "{a:1}", "[1,]", "1 // one", "1}", '1, "b": 2', "01", "'a'"];
    for (const text of none) assert.equal(readTyped(text), undefined, text);
  });

  const IDS: readonly (readonly [typed: string, value: unknown])[] = [
    [ID, ID],
    [`[${ID}, "${ID}", 7]`, [ID, ID, 7]],
    [` { "a" : [ ${ID} ] } `, { a: [ID] }],
    [`{"${ID}":{"users":[${ID}]}}`, { [ID]: { users: [ID] } }],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", "9007199254740992"],
    ["1e30", 1e30],
  ];
  for (const [typed, value] of IDS) {
    it(`[C3] rounds no id: ${typed}`, () => assert.deepEqual(readTyped(typed), { value }));
  }

  it("refuses repeated keys and keys that reach a prototype", () => {
    assert.equal(readTyped('{"users":["1"],"users":["*"]}'), undefined);
    assert.equal(readTyped('{"a":{"__proto__":1}}'), undefined);
  });
});

describe("[C2] typographic quotes", () => {
  for (const text of ["{ “log”: {} }", '{ "log": { "level": «info» } }', '{ "a": "b”, "c": 1 }']) {
    it(`are one error: ${text}`, async () => {
      const { problems } = await load(text);
      assert.match(problems.map(({ message }) => message).join("\n"), /^.  ?is no quote of JSON$/);
    });
  }

  it("are no error within a text", async () => {
    const { problems } = await load('{ "agents": { "defaults": { "instructions": "say “hi”" } } }');
    assert.ok(problems.every(({ message }) => !/quote of JSON/.test(message)));
  });

  it("[SEC-R9] show no secret with any quotes around it and its key", async () => {
    for (const key of ['"token"', "“token”"]) {
      for (const value of ['"hunter-two”', "“hunter-two”", "‘hunter-two’", "“hunter-two"]) {
        const text = `{\n  "channels": { "discord": {\n    ${key}: ${value}\n  } }\n}`;
        assert.doesNotMatch(await rendered(text), /hunter/, text);
      }
    }
  });

  it("[SEC-R9] show no secret that a missing colon or quote makes a part of a key", async () => {
    const secret = "SECRETabcdef123456789xyz";
    const entries = [
      `“token: “${secret}”`,
      `“token” “${secret}”`,
      `“token”= “${secret}”`,
      `“token: ${secret}”`,
      `“token: "${secret}", "groupPolicy": "open"`,
      `”token:  “${secret}", "groupPolicy": "open"`,
      `"token: ’${secret}, “groupPolicy”: "open"`,
    ];
    const { problems } = await load("{ “channels”: { “password:hunter”, } }");
    assert.doesNotMatch(problems.map(({ path }) => path).join(), /hunter/);
    const section = `{ "token: ’${secret}, “a": { “b”: 1 } }`;
    assert.doesNotMatch(await rendered(section), /SECRETabc/);
    for (const entry of entries) {
      for (const end of ["\n", "\r\n", ""]) {
        const text = `{ "channels": { "discord": {${end}${entry}${end}} } }`;
        assert.doesNotMatch(await rendered(text), /SECRETabc/, text);
      }
    }
    const quotes = fc.constantFrom('"', "“", "”", "‘", "’", "«", "");
    const whole = JSON.stringify(
      { channels: { discord: { token: secret, groupPolicy: "open" } }, log: { level: "info" } },
      undefined,
      2,
    );
    const parts = whole.split('"');
    const many = fc.array(quotes, { minLength: parts.length, maxLength: parts.length });
    await fc.assert(fc.asyncProperty(many, async (chosen) => {
      const text = parts.map((part, index) => index === 0 ? part : `${chosen[index]}${part}`);
      assert.doesNotMatch(await rendered(text.join("")), /SECRETabc/);
    }));
  });
});

describe("[C1] [C2] readTree()", () => {
  it("finds comments", () => {
    const text = '{ // one\n "a": "// none", /* two */ }';
    const tree = readTree(text);
    assert.ok(tree.kind === "tree");
    assert.deepEqual(
      tree.comments.map(({ offset, length }) => text.slice(offset, offset + length)),
      ["// one", "/* two */"],
    );
  });

  it("stops at too deep nesting", () => {
    const deep = (depth: number) => readTree(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    assert.equal(deep(MAX_DEPTH - 1).kind, "tree");
    assert.equal(deep(MAX_DEPTH).kind, "faults");
    assert.equal(readTree(" " + "[".repeat(1e6)).kind, "faults");
    assert.equal(readTree(`{"a":"${"[".repeat(99)}"}`).kind, "tree");
  });
});

const TEXT = `// ours
{
  "channels": {
    "discord": {
      "dm": { "allowFrom": ["ada", "bob"] },
      "guilds": { "*": {}, "日本語": { "users": [] },
        "a.b": { "channels": { "x": { "allow": false } } },
        "a": { "requireMention": true }
      }
    }
  }
}`;

describe("[P1] positionOf()", () => {
  const cases: readonly (readonly [path: string, place: string | undefined])[] = [
    ["channels", "3:3"],
    ["channels.discord.dm.allowFrom", "5:15"],
    ["channels.discord.dm.allowFrom[1]", "5:36"],
    ["channels.discord.guilds.*", "6:19"],
    ["channels.discord.guilds.a", "8:9"],
    ["channels.discord.guilds.a.requireMention", "8:16"],
    ['channels.discord.guilds."a.b".channels.x.allow', "7:39"],
    ['channels.discord.guilds."日本語".users', "6:37"],
    // The nearest written key above it.
    ["channels.discord.dm.policy", "5:7"],
    ["channels.discord.dm.allowFrom[2]", "5:15"],
    ["channels.discord.guilds.ab.users", "6:7"],
    ["channels.discord.groupPolicy", "4:5"],
    ["channels.defaults.groupPolicy", "3:3"],
    ["chan", undefined],
    ["log.level", undefined],
    ["", undefined],
  ];
  for (const [path, place] of cases) {
    it(`finds ${path || "nothing"} at ${place ?? "no place"}`, () => {
      const found = positionOf(TEXT, path);
      assert.equal(found && `${found.line}:${found.column}`, place);
    });
  }

  it("finds nothing in a text that does not parse", () => {
    for (const text of ["", "{", "[1]", '{"a":1,"a":2}']) {
      assert.equal(positionOf(text, "a"), undefined);
    }
  });

  it("reads a text once for many paths", () => {
    const find = positionsIn(TEXT);
    for (const [path, place] of cases) {
      const found = find(path);
      assert.equal(found && `${found.line}:${found.column}`, place);
    }
  });
});

function faultOf(text: string): string | undefined {
  const tree = readTree(text);
  return tree.kind === "faults" ? tree.faults[0]?.message : undefined;
}

describe("[C1] otherFormat()", () => {
  const YAML = [
    "channels:\n  discord: {}",
    "# mine\r\n---\r\nlog:\r\n  level: debug\r\n",
    "- a\n- b",
    "log: { level: debug }",
    "log: # comment\n  level: debug",
  ];
  for (const text of YAML) {
    it(`recognizes YAML: ${JSON.stringify(text)}`, () => {
      assert.match(faultOf(text) ?? "", /^This is YAML/);
    });
  }

  const OTHERS: readonly (readonly [text: string, told: RegExp])[] = [
    ["{ log: { level: 'debug' } }", /JSON5/],
    ["{\n  log: {}\n}", /JSON5/],
    ['"log": {}', /text after the end/],
    ['{ "log": { "level" "debug" } }', /colon is missing/],
    ["hello", /not a value/],
  ];
  for (const [text, told] of OTHERS) {
    it(`does not take ${JSON.stringify(text)} for YAML`, () => {
      assert.match(faultOf(text) ?? "", told);
    });
  }
});
