import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { pathText } from "../../../src/core/config_file.ts";
import { parsePath } from "../../../src/config/text/path.ts";
import { anyCharacter } from "../../support/any_character.ts";

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
