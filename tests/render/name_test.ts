import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { nameAsCode } from "../../src/render/name.ts";
import { anyCharacter } from "../support/any_character.ts";

describe("nameAsCode()", () => {
  const CASES: readonly (readonly [name: string, shown: string])[] = [
    ["ada", "`ada`"],
    ["__init__", "`__init__`"],
    ["@everyone", "`@everyone`"],
    ["a` <@1> `b", "`aˋ <@1> ˋb`"],
    ["two\nlines\tand  more", "`two lines and more`"],
    ["\u202egnp.exe", "`gnp.exe`"],
    ["a\u200bb\ufe0fc", "`abc`"],
    ["", "`?`"],
    [" \u200b ", "`?`"],
    ["x".repeat(500), `\`${"x".repeat(100)}\``],
    ["💥".repeat(101), `\`${"💥".repeat(100)}\``],
  ];
  for (const [name, shown] of CASES) {
    it(`shows ${JSON.stringify(name.slice(0, 20))} as ${JSON.stringify(shown.slice(0, 20))}`, () => {
      assert.equal(nameAsCode(name), shown);
    });
  }

  it("[P6a] formats any name as one line of code", () => {
    fc.assert(fc.property(fc.string({ unit: anyCharacter }), (name) => {
      assert.match(nameAsCode(name), /^`[^`\n\r]+`$/);
    }));
  });
});
