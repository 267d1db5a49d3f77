import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { graphemesOf, graphemeStart, isExtending } from "../../../src/render/markdown/graphemes.ts";

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

describe("[R2] graphemesOf()", () => {
  it("separates graphemes", () => {
    assert.deepEqual([...graphemesOf(CHARACTERS.join(""))], CHARACTERS);
  });
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
