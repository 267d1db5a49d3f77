import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, discord, problemLines } from "../config/support.ts";
import { determinize, MAX_WORK } from "../../src/config/mentions/mention_states.ts";
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
    [
      "many counts",
      times(100, (index) => `hey${index} \\w{1,20}`),
      /\[\d+\]: .* with {…} .* 5\d\d /,
    ],
    ["a wide gap", ["ok", "bot.{0,40}help"], /\[1\]: The pattern is too complex/],
    ["a gap of all but dots", ["\\bbot\\b[^.]{0,60}\\?"], /\[0\]: The pattern is too complex/],
    ["a long row of classes", [`a${"[ab]".repeat(30)}x`], /\[0\]: The pattern is too complex/],
    ["a counted class behind a repeated one", times(25, () => "[ab]*a[ab]{12}x"), /too complex/],
    [
      "a hundred short rows of classes",
      times(100, (index) => `a${"[ab]".repeat(8)}x${index}`),
      /\[0\]: The patterns are too complex together/,
    ],
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

describe("[M2] mentionPatterns › states", () => {
  const lists: readonly (readonly string[])[] = [
    ["a[ab]{5}x"],
    ["a[ab][ab][ab][ab]x"],
    ["\\ba\\b.*b", "^ab+c$", "(?m)^x$"],
    ["hey \\w{1,20}", "x.{0,5}a"],
    ["[^a]\\Bb|é[à-ü]{2}x"],
  ].flatMap((list) => [list, ...list.map((one) => [one])]);
  const LETTERS = ["a", "b", "x", " ", "\n", "é", "ö", "hey ", "1", "_", "😀"];

  it("are all made at the check, so that no text needs a new one", async () => {
    const { RE2JS, RE2Set } = await import("re2js");
    const random = seeded(9);
    for (const list of lists) {
      const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE);
      for (const pattern of list) set.add(pattern);
      const work = determinize(set, MAX_WORK);
      assert.ok(work !== undefined && work > 0);
      const before = set.dfa.stateCount;
      const TEXTS = 100;
      for (let text = 0; text < TEXTS; text++) {
        set.match(times(500, () => random.pick(LETTERS)).join(""));
      }
      // The end of a text has a state of its own.
      const grown = set.dfa.stateCount - before;
      assert.ok(grown <= TEXTS, `${list}: ${before} states, then ${grown} more`);
    }
  });

  it("are given up at the bound", async () => {
    const { RE2JS, RE2Set } = await import("re2js");
    const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE);
    set.add("a[ab]{100}x");
    assert.equal(determinize(set, 10_000), undefined);
    assert.ok(set.dfa.stateCount < 2_000);
  });
});
