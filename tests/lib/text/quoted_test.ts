import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { printable, quoted } from "../../../src/lib/text/quoted.ts";

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
