import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSlip, nearText } from "../../../src/flows/names/nearest.ts";

const ID = "163456789012345678";

describe("[P7] isSlip()", () => {
  const cases: readonly [other: string, what: string, expected: boolean][] = [
    ["163456789012345679", "another last digit", true],
    ["263456789012345678", "another first digit", true],
    ["163456780912345678", "two digits that changed places", true],
    ["16345678901234567", "the last digit is missing", true],
    ["1634567890112345678", "a digit twice", true],
    ["163456789012345600", "rounded as a number", true],
    ["16345678901234", "four digits are missing", true],
    ["163456789012349999", "four other digits", true],
    ["163456789012399999", "five other digits", false],
    ["1634567890123", "five digits are missing", false],
    ["263456789012345679", "other digits at both ends", false],
    ["973456789012345001", "a stranger's", false],
    ["1", "far shorter", false],
  ];
  for (const [other, what, expected] of cases) {
    it(`${expected ? "takes" : "does not take"} ${other} for the id: ${what}`, () => {
      assert.equal(isSlip(ID, other), expected);
      assert.equal(isSlip(other, ID), expected);
    });
  }

  it("counts each digit once, also where a shorter id is at both ends", () => {
    assert.equal(isSlip("123456123456", "123456"), false);
  });
});

describe("[P7] nearText()", () => {
  const named = (...ids: string[]) => ids.map((id, at) => ({ id, name: `n${at}` }));

  it("names at most five, nearest first", () => {
    const text = nearText("12345", named("9", "12345", "12399", "82345", "12346", "12945"));
    assert.equal(
      text,
      "; nearest: `n1` (12345), `n3` (82345), `n4` (12346), `n5` (12945), `n2` (12399)",
    );
  });

  it("is empty if there is none", () => {
    assert.equal(nearText("12345", []), "");
  });
});
