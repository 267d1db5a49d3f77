import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bounded } from "../../src/lib/bounded.ts";
import { anyCharacter } from "../support/any_character.ts";

describe("[H4] bounded()", () => {
  it("leaves a text that fits as it is, and marks one that does not", () => {
    assert.equal(bounded("barnacle", 8), "barnacle");
    assert.equal(bounded("barnacles", 8), "barnacl…");
    assert.equal(bounded("a😀b", 3), "a…");
  });

  it("never exceeds the maximum, nor splits a character", () => {
    fc.assert(fc.property(
      fc.string({ unit: anyCharacter }),
      fc.integer({ min: 1, max: 20 }),
      (text, max) => {
        const short = bounded(text, max);
        assert.ok(short.length <= max && short.isWellFormed());
      },
    ));
  });

  it("mends a text with half a character", () => {
    assert.equal(bounded("a\uD83D", 9).isWellFormed(), true);
  });
});
