import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { pathText } from "../../../src/core/config_file.ts";
import { parsePath, readTyped } from "../../../src/config/text/edit.ts";
import { anyCharacter } from "../../support/any_character.ts";
import { anyValue } from "../jsonc_texts.ts";

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
