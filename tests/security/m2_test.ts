import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, discord, problemLines } from "../config/support.ts";
import { seeded } from "../support/seeded.ts";

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
    ["five gaps", times(5, (index) => `bot${index}.{0,40}help`)],
  ];
  for (const [name, patterns] of accepted) {
    it(`accepts ${name}`, async () => {
      assert.deepEqual(await problemLines(withPatterns(patterns)), []);
    });
  }

  const refused: readonly [name: string, patterns: readonly string[], problem: RegExp][] = [
    ["a large count", ["[a-z ]{1,1000}x"], /Patterns\[0\]: .* too large: 2\d{3} steps/],
    ["counts in counts", ["ok", "((a{0,30}b{0,30}){0,30}x)"], /\[1\]: .* too large: 3\d{3} steps/],
    ["many counts", times(100, (index) => `[a-z]{0,100}x${index}`), /\[2\]: .* with {…} .* 6\d\d /],
    ["many long texts", times(100, (index) => `${index} `.repeat(100)), /\[\d+\]: .* 4\d{3} steps/],
  ];
  for (const [name, patterns, problem] of refused) {
    it(`refuses ${name}`, async () => {
      const [first = ""] = await problemLines(withPatterns(patterns));
      assert.match(first, problem);
      assert.match(first, /^error /);
    });
  }
});

describe("[M2] mentionPatterns › together", () => {
  const PATTERNS = [
    "\\bbarney\\b",
    "^hey (?P<who>bot|you)",
    "(?P<who>krill)+!",
    "kr.*x+",
    "a{3,5}z",
    "\\Qwhat?",
    "b\\.c$",
  ];

  it("match the same texts as each alone", async () => {
    const matcher = async (patterns: readonly string[]) =>
      (await configOf(withPatterns(patterns))).discord.access.matchesPattern;
    const together = await matcher(PATTERNS);
    const alone = await Promise.all(PATTERNS.map((pattern) => matcher([pattern])));
    const random = seeded(12);
    const parts = [
      "barney",
      "hey ",
      "bot",
      "krill",
      "!",
      "aaa",
      "a",
      "z",
      "what?",
      "b.c",
      " ",
      "x",
    ];
    const matched = new Set<number>();
    for (let run = 0; run < 3_000; run += 1) {
      const text = times(random.between(0, 6), () => random.pick(parts)).join("");
      const hits = alone.flatMap((matches, index) => matches(text) ? [index] : []);
      for (const hit of hits) matched.add(hit);
      assert.equal(together(text), hits.length > 0, text);
    }
    assert.equal(matched.size, PATTERNS.length);
  });
});
