import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeRegions, isWithin, readMarkdown } from "../../../src/render/markdown/code_fence.ts";

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
        const isInside = regions.some(({ start, end }) => start <= at && at < end);
        assert.equal(isWithin(regions, at), isInside, String(at));
      }
    });
  }
});

describe("[R2a] readMarkdown() › code that a mark breaks", () => {
  const cases: readonly [text: string, isShown: boolean, brokenBy?: readonly string[]][] = [
    ["`**`", true],
    ["**a `b**`", false, ["**"]],
    ["**a** b `c**`", true],
    ["**a *b** c `*`", false, ["*"]],
    ["**a *b* c** `*`", true],
    ["\\**a `b**`", false, ["*"]],
    ["\\*\\*a `b**`", true],
    ["||a `b||`", false, ["||"]],
    ["~~a `b`", true],
    ["_a_b_ `_`", true],
    ["_a_b `_`", false, ["_"]],
    ["a__b `__`", false, ["__"]],
    // Backticks without a partner on their line.
    ["a ` b\n`c`", false, ["`"]],
    ["``a `b`", false, ["``"]],
    ["a ` b\n```\nc\n```", true],
    ["a ` b\n```\nc `d` e\n```", false, ["`"]],
    // Fences that Discord ends elsewhere.
    ["```js\na\n```", true],
    ["```js\na", false, []],
    ["````\na\n````", false, []],
    ["~~~\na\n~~~", false, []],
    ["```\na = '```'\n```", false, []],
    ["```\n\n```", false, []],
    ["> ```\n> a\n> ```", true],
    ["> ```\na\n```", false, []],
    ["- a\n  ```\n  b\n\n  c\n  ```", true],
    ["- a\n  ```\n  b\nc\n  ```", false, []],
  ];
  for (const [text, isShown, brokenBy = []] of cases) {
    it(`${JSON.stringify(text)}: ${isShown}`, () => {
      const last = readMarkdown(text).code.at(-1);
      assert.equal(last?.isShown, isShown);
      assert.deepEqual(last.brokenBy, brokenBy);
    });
  }
});
