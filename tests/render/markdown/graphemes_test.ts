import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  displayWidth,
  graphemesOf,
  graphemeStart,
  isExtending,
} from "../../../src/render/markdown/chunk.ts";

const CHARACTERS = [
  "👩‍👩‍👧‍👦",
  "🇩🇪",
  "👍🏽",
  "e\u0301\u0302",
  "한",
  "\u1112\u1161\u11ab",
  "1️⃣",
  "क्षि",
  "\r\n",
  "a",
];

describe("[R2] graphemeStart()", () => {
  for (const one of CHARACTERS) {
    it(`finds the start from any position in ${JSON.stringify(one)}`, () => {
      const text = `xx${one}y`;
      for (let at = 3; at < 2 + one.length; at += 1) assert.equal(graphemeStart(text, 0, at), 2);
      assert.equal(graphemeStart(text, 1, 2), 2);
      assert.equal(graphemeStart(text, 0, 2 + one.length), 2 + one.length);
    });
  }

  it("returns the end of a text", () => assert.equal(graphemeStart("ab", 0, 2), 2));
});

it("[R2] graphemesOf() › separates graphemes", () => {
  assert.deepEqual([...graphemesOf(CHARACTERS.join(""))], CHARACTERS);
});

describe("[R2] isExtending()", () => {
  const cases = [["\u0301", true], ["\u200d", true], ["\ufe0f", true], ["🏽", true], ["a", false], [
    "日",
    false,
  ]] as const;
  for (const [text, isIt] of cases) {
    it(JSON.stringify(text), () => assert.equal(isExtending(text, 0), isIt));
  }
});

describe("[R5] displayWidth()", () => {
  const cases: readonly [text: string, width: number, why: string][] = [
    ["abc", 3, "ASCII"],
    ["é", 1, "Latin"],
    ["e\u0301", 1, "a combining mark takes none"],
    ["日本語", 6, "Chinese and Japanese take two"],
    ["한국", 4, "so does Korean"],
    ["\u1112\u1161\u11ab", 2, "also in parts"],
    ["ｱ", 1, "but not half-width kana"],
    ["（", 2, "full-width brackets do"],
    ["😀", 2, "emoji"],
    ["👩‍👩‍👧‍👦", 2, "a family is one"],
    ["👍🏽", 2, "with a skin tone"],
    ["🇩🇪", 2, "a flag"],
    ["1️⃣", 2, "a keycap"],
    ["⚠️", 2, "a sign shown as emoji"],
    ["⚠", 1, "and as text"],
    ["☺︎", 1, "as text, since it says so"],
    ["\u200b", 0, "a zero-width space"],
    ["a\u200db", 2, "a joiner"],
    ["שלום", 4, "Hebrew"],
    ["—…“”", 4, "typographic marks"],
    ["", 0, "nothing"],
  ];
  for (const [text, width, why] of cases) {
    it(`${why}: ${JSON.stringify(text)}`, () => assert.equal(displayWidth(text), width));
  }
});
