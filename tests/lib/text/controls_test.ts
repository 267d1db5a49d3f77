import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutControls } from "../../../src/lib/text/controls.ts";

describe("[X2] withoutControls()", () => {
  const cases: readonly [text: string, left: string][] = [
    ["", ""],
    ["a\0b", "ab"],
    ["\u001b[31mred\u0007", "[31mred"],
    ["\u007f\u0085\u009b", ""],
    ["a\tb\r\nc\n", "a\tb\r\nc\n"],
    ["Grüße 🐚 日本\u200d語", "Grüße 🐚 日本\u200d語"],
  ];
  for (const [text, left] of cases) {
    it(`${JSON.stringify(text)} is ${JSON.stringify(left)}`, () => {
      assert.equal(withoutControls(text), left);
    });
  }
});
