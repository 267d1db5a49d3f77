import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unescaped } from "../../../src/render/safety/escapes.ts";

describe("unescaped()", () => {
  const cases: readonly [text: string, views: readonly string[]][] = [
    ["hello", []],
    ["100% sure", []],
    ["a%62c", ["abc"]],
    ["%2562", ["%62", "b"]],
    ["%252562", ["%2562", "%62", "b"]],
    ["\\x62\\u0062\\u{62}", ["bbb"]],
    ["0x62, 0x63", ["b, c"]],
    ["&#98;&#x62;", ["bb"]],
    ["\\142", ["b"]],
    ["0x623", []],
  ];
  for (const [text, views] of cases) {
    it(text, () => assert.deepEqual(unescaped(text).map((view) => view.text), views));
  }

  it("remembers the position of each character", () => {
    const [once, twice] = unescaped("a%2562c");
    assert.deepEqual([once?.text, once?.starts, once?.ends], [
      "a%62c",
      [0, 1, 4, 5, 6],
      [1, 4, 5, 6, 7],
    ]);
    assert.deepEqual([twice?.text, twice?.starts, twice?.ends], ["abc", [0, 1, 6], [1, 6, 7]]);
  });
});
