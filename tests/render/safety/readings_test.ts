import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { decodeEscapes, foldLetters, readNumbers } from "../../../src/render/safety/readings.ts";
import type { View } from "../../../src/lib/text/view.ts";

const WORD = "Token-47x1Q";
const codes = (radix: number, write: (digits: string, at: number) => string) =>
  [...Buffer.from(WORD)].map((byte, at) => write(byte.toString(radix), at)).join("");

describe("[SEC-R10] readNumbers()", () => {
  const lists: readonly [name: string, text: string][] = [
    ["decimal", codes(10, (digits) => `${digits} `)],
    ["decimal with zeros", codes(10, (digits) => `${digits.padStart(3, "0")},`)],
    ["calls", codes(10, (digits) => `chr(${digits}) + `)],
    ["a table", codes(10, (digits, at) => `| ${WORD[at]} | ${digits} |\n`)],
    ["octal", codes(8, (digits) => `0o${digits} `)],
    ["octal in three digits", codes(8, (digits) => `${digits.padStart(3, "0")} `)],
    ["binary", codes(2, (digits) => `${digits.padStart(8, "0")} `)],
    ["binary in seven digits", codes(2, (digits) => `0b${digits.padStart(7, "0")} `)],
  ];
  for (const [name, text] of lists) {
    it(`reads ${name}: ${text.slice(0, 30).replaceAll("\n", "␤")}`, () => {
      assert.ok(readNumbers(text).some((view) => view.text === WORD));
    });
  }

  const others: readonly [name: string, text: string][] = [
    ["few numbers", "77 84 81 119 77 68 65"],
    ["numbers of no character", "1 2 3 4 5 6 7 8 9 10 11 1999 2024 5000 20000 12345 67890"],
    [
      "lines that are counted",
      Array.from({ length: 200 }, (_, line) => `line ${line}`).join("\n"),
    ],
  ];
  for (const [name, text] of others) {
    it(`reads nothing from ${name}`, () => {
      assert.deepEqual(readNumbers(text).filter(({ text }) => text.length > 0), []);
    });
  }

  it("remembers where each number was", () => {
    const [view] = readNumbers(`codes: ${codes(10, (digits) => `<${digits}>`)}`);
    assert.deepEqual([view?.startOf(0), view?.endOf(0)], [8, 10]);
    assert.deepEqual([view?.startOf(1), view?.endOf(1)], [12, 15]);
  });
});

describe("decodeEscapes()", () => {
  const cases: readonly [text: string, views: readonly string[]][] = [
    ["hello", []],
    ["100% sure", []],
    ["a%62c", ["abc"]],
    ["%2562", ["%62", "b"]],
    ["%252562", ["%2562", "%62", "b"]],
    ["\\x62\\u0062\\u{62}", ["bbb"]],
    ["0x62, 0x63", ["b, c"]],
    ["&#98;&#x62;", ["bb"]],
    ["\\142", ["b"]],
    ["0x623", []],
    ["U+0062 u+62", ["b b"]],
    ["U+0162", []],
  ];
  for (const [text, views] of cases) {
    it(text, () => assert.deepEqual(decodeEscapes(text).map((view) => view.text), views));
  }

  it("remembers the position of each character", () => {
    const [once, twice] = decodeEscapes("a%2562c");
    const places = (view: View | undefined) =>
      Array.from(view?.text ?? "", (_, at) => [view?.startOf(at), view?.endOf(at)]);
    assert.deepEqual([once?.text, places(once)], [
      "a%62c",
      [[0, 1], [1, 4], [4, 5], [5, 6], [6, 7]],
    ]);
    assert.deepEqual([twice?.text, places(twice)], ["abc", [[0, 1], [1, 6], [6, 7]]]);
  });
});

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
