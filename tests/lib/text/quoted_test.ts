import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  printable,
  quoted,
  withoutControls,
  withoutSpoilers,
} from "../../../src/lib/text/quoted.ts";

describe("[C2] quoted()", () => {
  const texts: readonly [text: string, shown: string][] = [
    ["a b", '"a b"'],
    ['a"b', '"a\\"b"'],
    ["a\nb", '"a\\nb"'],
    ["a\u009bb", '"a\\u{9b}b"'],
    ["a\u202eb", '"a\\u{202e}b"'],
    ["x".repeat(61), `"${"x".repeat(59)}…"`],
    [`${"x".repeat(58)}😀xx`, `"${"x".repeat(58)}…"`],
  ];
  for (const [text, shown] of texts) {
    it(`shows ${JSON.stringify(text)} as ${shown}`, () => assert.equal(quoted(text), shown));
  }
});

describe("[C2] printable()", () => {
  it("removes cursor movements, and cuts nothing", () => {
    assert.equal(printable(`\u001b[2J${"x".repeat(99)}`), `\\u{1b}[2J${"x".repeat(99)}`);
  });
});

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

describe("[H9] withoutSpoilers()", () => {
  const cases: readonly [what: string, text: string, left: string][] = [
    ["hides a spoiler", "It is ||the cook|| again", "It is (spoiler) again"],
    ["hides several, also over lines", "||a|| b ||c\nd||", "(spoiler) b (spoiler)"],
    [
      "keeps code, which Discord shows",
      "`a || b || c` and ```\n||x||\n```",
      "`a || b || c` and ```\n||x||\n```",
    ],
    ["keeps a single mark", "a || b", "a || b"],
    ["hides a spoiler around code", "||`x`||", "(spoiler)"],
  ];
  for (const [what, text, left] of cases) {
    it(what, () => assert.equal(withoutSpoilers(text), left));
  }
});
