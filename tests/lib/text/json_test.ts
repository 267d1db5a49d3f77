import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseForeignJson } from "../../../src/lib/text/json.ts";

const LONG = 200_000;
const filler = "x".repeat(LONG);
const nested = (depth: number, inner: unknown) => {
  let value = inner;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
};

describe("[SEC-R25] parseForeignJson()", () => {
  it("parses any JSON, long or short", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (value, isLong) => {
        const whole = isLong ? { filler, value } : { value };
        const text = JSON.stringify(whole);
        assert.deepEqual(parseForeignJson(text), JSON.parse(text));
      }),
      { numRuns: 200 },
    );
  });

  const texts: readonly [name: string, text: string, isParsed: boolean][] = [
    ["no JSON", "hello", false],
    ["nothing", "", false],
    ["half a text", '{"a":', false],
    ["200 levels", JSON.stringify([filler, nested(200, 1)]), true],
    ["300 levels", JSON.stringify([filler, nested(300, 1)]), false],
    ["300 levels of a short text", JSON.stringify(nested(300, 1)), true],
    ["300 lists side by side", JSON.stringify([filler, ...Array(300).fill([])]), true],
    ["brackets in a string", JSON.stringify(`"${"[".repeat(LONG)}`), true],
    ["brackets behind escapes", JSON.stringify([`\\${"[".repeat(LONG)}\\`, ']\\"[']), true],
    ["a million brackets", "[".repeat(1_000_000), false],
    ["a million braces", '{"a":'.repeat(200_000), false],
    ["a string without an end", `["${"[".repeat(LONG)}`, false],
  ];
  for (const [name, text, isParsed] of texts) {
    it(`${isParsed ? "parses" : "refuses"} ${name}`, () => {
      assert.deepEqual(parseForeignJson(text), isParsed ? JSON.parse(text) : undefined);
    });
  }
});
