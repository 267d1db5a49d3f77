import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addresseesIn, STRANGER } from "../../../src/policy/intent/tracker.ts";
import { userId } from "../../support/discord/builders.ts";

const [ADA, BOB, K] = [userId("2"), userId("3"), userId("4")];
const PEOPLE = new Map([["ada", ADA], ["bob_", BOB], ["k", K], ["みさき", BOB], ["will", BOB], [
  "les",
  BOB,
]]);

describe("addresseesIn()", () => {
  for (
    const [text, to, beginsWithName] of [
      ["Bob_: look", [BOB], true],
      ["@bob_, look", [BOB], true],
      ["k: short names count at the start", [K], true],
      ["bob_ shut up, you play warlock", [BOB], true],
      ["みさき それはやばい", [BOB], true],
      ["ask bob_!", [BOB], false],
      ["k is short for knight", [], false],
      ["not k though", [], false],
      ["bobby: no", [STRANGER], true],
      ["ada: a note to myself", [], false],
      ["will it rain, and les moules?", [], false],
      ["Will: look", [BOB], true],
      ["linus, can you send me the file?", [STRANGER], true],
      ["@Łukasz: masz chwilę?", [STRANGER], true],
      ["Sophie : tu viens, bob_?", [STRANGER, BOB], true],
      ["sorry, can you repeat that?", [], false],
      ["wait, and tomorrow?", [], false],
      ["Übrigens: danke", [], false],
      ["https://example.org: down", [], false],
      [":smile: haha", [], false],
      ["10:30, as always", [], false],
      ["linus,", [], false],
      ["", [], false],
    ] as const
  ) {
    it(`[I1] reads "${text}"`, () => {
      assert.deepEqual(addresseesIn(text, PEOPLE, ADA), { to, beginsWithName });
    });
  }

  it("[I1] reads a long text of marks in a moment", () => {
    const { to } = addresseesIn("!".repeat(1_000_000), PEOPLE, ADA);
    assert.deepEqual(to, []);
  });
});
