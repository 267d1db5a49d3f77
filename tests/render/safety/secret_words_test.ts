import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { secretUnits } from "../../../src/render/safety/secret_forms.ts";

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
