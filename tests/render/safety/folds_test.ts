import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { foldLetters } from "../../../src/render/safety/readings.ts";

describe("[SEC-R10] foldLetters()", () => {
  const cases: readonly [text: string, fold: string | undefined][] = [
    ["abc 123", undefined],
    ["日本語 😀 — “quoted”", undefined],
    ["ＡＢｃ１", "ABc1"],
    ["𝐀𝓫𝕔𝟙", "Abc1"],
    ["Ⓐⓑ①", "Ab1"],
    ["ᵃ²₃", "a23"],
    ["éÜ", "eU"],
    ["🇦🇧", "AB"],
    ["🅐🅱", "AB"],
    ["➀❷", "12"],
    ["\u{e0041}\u{e0062}", "Ab"],
    ["ﬁ", "fi"],
  ];
  for (const [text, fold] of cases) {
    it(`${text}: ${fold}`, () => assert.equal(foldLetters(text)?.text, fold));
  }

  it("folds all letters and digits that Unicode's compatible forms contain", () => {
    for (let code = 0x80; code < 0x20000; code += 1) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      const letters = character.normalize("NFKC").replace(/[^A-Za-z0-9]+/g, "");
      if (letters === "") continue;
      const fold = foldLetters(character)?.text;
      assert.ok(fold?.startsWith(letters), `U+${code.toString(16)}: ${fold}, not ${letters}`);
    }
  });

  it("remembers where each character was", () => {
    const view = foldLetters("-𝐀ﬁ-");
    assert.deepEqual([0, 1, 2, 3, 4].map((at) => [view?.startOf(at), view?.endOf(at)]), [
      [0, 1],
      [1, 3],
      [3, 4],
      [3, 4],
      [4, 5],
    ]);
  });
});
