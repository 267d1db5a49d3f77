import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeRegions, createMarks, isInCode } from "../../../src/render/markdown/code_region.ts";

describe("codeRegions()", () => {
  const cases: readonly [text: string, code: readonly string[]][] = [
    ["no code", []],
    ["a `b` c", ["`b`"]],
    ["a ``b ` c`` d", ["``b ` c``"]],
    ["a `b", []],
    ["a `b`` c", []],
    ["`a` `b`", ["`a`", "`b`"]],
    ["\\`a` b `c`", ["` b `"]],
    ["\\\\`a`", ["`a`"]],
    ["`a\\`", ["`a\\`"]],
    ["x\n```js\na `b`\n```\n`c`", ["```js\na `b`\n```", "`c`"]],
    ["```\nnever closed", ["```\nnever closed"]],
    ["a ` b\n```\nc\n```\nd ` e", ["```\nc\n```"]],
  ];
  for (const [text, code] of cases) {
    it(JSON.stringify(text), () => {
      const regions = codeRegions(text);
      assert.deepEqual(regions.map(({ start, end }) => text.slice(start, end)), code);
      for (let at = 0; at < text.length; at += 1) {
        const isWithin = regions.some(({ start, end }) => start <= at && at < end);
        assert.equal(isInCode(regions, at), isWithin, String(at));
      }
    });
  }
});

describe("createMarks()", () => {
  const cases: readonly [before: string, code: string, may: boolean][] = [
    ["", "`**`", false],
    ["**a", "`b**`", true],
    ["**a** b", "`c**`", false],
    ["**a *b** c", "`*`", false],
    ["**a *b** c*", "`*`", true],
    ["\\**a", "`b**`", true],
    ["\\*\\*a", "`b**`", false],
    ["||a", "`b||`", true],
    ["~~a", "`b`", false],
    ["_a_b", "`_`", false],
  ];
  for (const [before, code, may] of cases) {
    it(`${before} ${code}: ${may}`, () => {
      const marks = createMarks();
      marks.read(before);
      assert.equal(marks.mayEndIn(code), may);
    });
  }
});
