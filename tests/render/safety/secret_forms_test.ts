import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import {
  formsOf,
  isPart,
  letterOf,
  lettersOf,
  secretUnits,
} from "../../../src/render/safety/secret_forms.ts";

describe("[SEC-R10] formsOf()", () => {
  it("has the base64 of a secret within any text", () => {
    const bytes = fc.string({ unit: "binary-ascii", maxLength: 9 });
    const secret = fc.stringMatching(/^[A-Za-z0-9._-]{12,40}$/);
    fc.assert(
      fc.property(bytes, secret, bytes, (before, secret, behind) => {
        const written = lettersOf(Buffer.from(before + secret + behind).toString("base64url"));
        assert.ok(formsOf(secret).some(({ letters }) => written.includes(letters)));
      }),
    );
  });

  it("has no form that is too short to tell from a word", () => {
    assert.deepEqual(formsOf("abc"), []);
    for (const { letters } of formsOf("hunter2")) assert.ok(letters.length >= 10, letters);
  });
});

describe("[SEC-R10] isPart()", () => {
  const [plain] = formsOf("https://example.org/AbC123xyz7Q9");
  const from = "httpsexampleorg".length;
  const cases: readonly [start: number, end: number, expected: boolean][] = [
    [from, from + 11, false],
    [from, from + 12, true],
    [from - 6, from + 6, true],
    [from - 7, from + 5, false],
    [0, from, false],
  ];
  for (const [start, end, expected] of cases) {
    const letters = plain?.letters.slice(start, end) ?? "";
    it(`${letters}: ${expected}`, () => {
      assert.ok(plain);
      assert.equal(isPart(plain, start, end), expected);
    });
  }

  it("marks the same characters in each form", () => {
    for (const form of formsOf("word-AbC123xyz7Q9-word")) {
      const { length } = form.letters;
      const middle = Math.ceil(length * 0.3);
      assert.deepEqual([form.marks().length, form.marks().at(0), form.marks().at(-1)], [
        length,
        false,
        false,
      ]);
      assert.ok(form.marks().slice(middle, -middle).every((isMarked) => isMarked), form.letters);
    }
  });
});

describe("letterOf()", () => {
  it("returns the letter that lettersOf() keeps, and 0 for all others", () => {
    for (let unit = 0; unit < 0x300; unit += 1) {
      const kept = lettersOf(String.fromCharCode(unit));
      assert.equal(letterOf(unit), kept === "" ? 0 : kept.charCodeAt(0));
    }
  });
});

describe("[SEC-R10] secretUnits()", () => {
  const cases: readonly [secret: string, marked: string][] = [
    ["correct horse battery staple", ""],
    ["CorrectHorseBattery", ""],
    ["https://api.example.com/v1/AbC123xyz", "v1AbC123xyz"],
    ["prompt-caching-2024-07-31", "20240731"],
    ["sk-proj-AbC123_xyZ-987654321", "AbC123xyZ987654321"],
    ["0123456789abcdef", "0123456789abcdef"],
    ["abcdefghijklmnopq", "abcdefghijklmnopq"], // longer than words are
    ["MTQwMDAwMDAwMDAwMDAwMDAx.GabcDE.x1-yz_0123456789", "GabcDEx10123456789"],
    ["MTQwMDAwMDAwMDAwMDAwMDAx", "MTQwMDAwMDAwMDAwMDAwMDAx"], // no token
  ];
  for (const [secret, expected] of cases) {
    it(`${secret}: ${expected || "nothing"}`, () => {
      const marks = secretUnits(secret);
      assert.equal(marks.length, secret.length);
      assert.equal([...secret].filter((_, at) => marks[at]).join(""), expected);
    });
  }
});
