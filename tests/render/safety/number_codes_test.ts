import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { readNumbers } from "../../../src/render/safety/readings.ts";

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
