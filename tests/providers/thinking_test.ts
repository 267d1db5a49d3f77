import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createThinkingFilter } from "../../src/providers/thinking.ts";

function through(pieces: readonly string[]): string {
  const filter = createThinkingFilter();
  return pieces.map((piece) => filter.push(piece)).join("") + filter.end();
}

describe("[L3] createThinkingFilter()", () => {
  const cases: readonly [what: string, text: string, shown: string][] = [
    ["plain words", "hello", "hello"],
    ["thinking in front", "<think>\nhm\n</think>\n\nhello", "hello"],
    ["white space before it", "\n <think>hm</think>hello", "hello"],
    ["thinking twice", "<think>a</think>\n<think>b</think>hello", "hello"],
    ["empty thinking", "<think></think>hello", "hello"],
    ["thinking and nothing else", "<think>hm</think>\n", ""],
    ["thinking that never ends", "<think>hm", ""],
    ["white space alone", " \n ", ""],
    ["nothing", "", ""],
    ["an answer that speaks of the tag", "use <think>x</think> here", "use <think>x</think> here"],
    ["an answer that begins like the tag", "<thin air", "<thin air"],
    ["an answer that is the tag's beginning", "<thi", "<thi"],
    ["leading white space before words", "\n hello", "\n hello"],
    ["a tag within the thinking", "<think>a <think> b</think>hello", "hello"],
  ];
  for (const [what, text, shown] of cases) {
    it(`shows ${JSON.stringify(shown)} of ${what}`, () => assert.equal(through([text]), shown));
    it(`shows the same of ${what}, letter by letter`, () => {
      assert.equal(through([...text]), shown);
    });
  }

  it("does not depend on where a text is cut", () => {
    const text = fc.array(fc.constantFrom("<think>", "</think>", "<thi", " ", "\n", "a", "</"));
    fc.assert(fc.property(text, fc.array(fc.nat(60)), (words, cuts) => {
      const whole = words.join("");
      const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length]
        .sort((a, b) => a - b);
      const pieces = at.slice(1).map((end, i) => whole.slice(at[i], end));
      assert.equal(through(pieces), through([whole]));
    }));
  });

  it("begins with something to be seen", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(" ", "\n", "<think>", "</think>", "a")), (words) => {
        const filter = createThinkingFilter();
        const first = words.map((word) => filter.push(word)).find((shown) => shown !== "");
        assert.ok(first === undefined || first.trim() !== "");
      }),
    );
  });
});
