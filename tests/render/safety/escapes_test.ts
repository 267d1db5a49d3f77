import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeEscapes } from "../../../src/render/safety/readings.ts";
import type { View } from "../../../src/render/safety/view.ts";

describe("decodeEscapes()", () => {
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
    ["U+0062 u+62", ["b b"]],
    ["U+0162", []],
  ];
  for (const [text, views] of cases) {
    it(text, () => assert.deepEqual(decodeEscapes(text).map((view) => view.text), views));
  }

  it("remembers the position of each character", () => {
    const [once, twice] = decodeEscapes("a%2562c");
    const places = (view: View | undefined) =>
      Array.from(view?.text ?? "", (_, at) => [view?.startOf(at), view?.endOf(at)]);
    assert.deepEqual([once?.text, places(once)], [
      "a%62c",
      [[0, 1], [1, 4], [4, 5], [5, 6], [6, 7]],
    ]);
    assert.deepEqual([twice?.text, places(twice)], ["abc", [[0, 1], [1, 6], [6, 7]]]);
  });
});
