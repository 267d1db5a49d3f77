import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discord, problemLines } from "../config/support.ts";

function withPatterns(patterns: readonly string[]): string {
  const keys = `,"messages":{"groupChat":{"mentionPatterns":${JSON.stringify(patterns)}}}}`;
  return discord(`"enabled":false`).replace(/}$/, () => keys);
}

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index));

describe("[M2] mentionPatterns › size", () => {
  const accepted: readonly [name: string, patterns: readonly string[]][] = [
    ["a hundred names", times(100, (index) => `\\bbarney${index}\\b`)],
    ["a hundred greetings", times(100, (index) => `^(hey|hi|hello),? bot${index}`)],
    ["a hundred repetitions", times(100, (index) => `barney${index}.*please`)],
    ["a long text", ["barnacle ".repeat(54)]],
    ["five gaps", times(5, (index) => `bot${index}.{0,10}help`)],
    ["a counted class", ["hey \\w{1,20}", "yo [a-z]{1,30}!"]],
    ["a name and a word behind it", ["\\bbarney\\b.*please", "@?barney[,:!]?\\s+\\w+"]],
    ["a gap at the start", ["^.{0,30}barney"]],
  ];
  for (const [name, patterns] of accepted) {
    it(`accepts ${name}`, async () => {
      assert.deepEqual(await problemLines(withPatterns(patterns)), []);
    });
  }

  const refused: readonly [name: string, patterns: readonly string[], problem: RegExp][] = [
    ["a large count", ["[a-z ]{1,1000}x"], /Patterns\[0\]: .* too large: 2\d{3} steps/],
    ["counts in counts", ["ok", "((a{0,30}b{0,30}){0,30}x)"], /\[1\]: .* too large: 3\d{3} steps/],
    ["many long texts", times(100, (index) => `${index} `.repeat(100)), /\[\d+\]: .* 2\d{3} steps/],
  ];
  for (const [name, patterns, problem] of refused) {
    it(`refuses ${name}`, async () => {
      const [first = ""] = await problemLines(withPatterns(patterns));
      assert.match(first, problem);
      assert.match(first, /^error /);
    });
  }
});
