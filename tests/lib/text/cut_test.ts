import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { bounded, clip, endsOf, wrapped } from "../../../src/lib/text/quoted.ts";
import { anyCharacter } from "../../support/any_character.ts";

describe("[H1] clip()", () => {
  it("leaves a short text as it is", () => {
    assert.equal(clip("tides", 5), "tides");
  });

  it("keeps the beginning and the end of a long one", () => {
    assert.equal(clip("0123456789", 6), "0123\n[… 4 characters left out …]\n89");
  });

  it("never cuts a surrogate pair, and leaves out what the note says", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(fc.property(text, fc.integer({ min: 0, max: 40 }), (text, max) => {
      const clipped = clip(text, max);
      assert.ok(clipped.isWellFormed());
      const left = /\n\[… (\d+) characters left out …\]\n/.exec(clipped);
      if (text.length <= max) return assert.equal(clipped, text);
      assert.ok(left);
      assert.equal(clipped.length - left[0].length + Number(left[1]), text.length);
      assert.ok(clipped.length - left[0].length <= max + 1);
    }));
  });
});

describe("[SEC-R25] endsOf()", () => {
  it("changes nothing of what clip() makes of a text", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(fc.property(text, fc.nat({ max: 40 }), fc.nat({ max: 9 }), (text, max, less) => {
      const { text: ends, left } = endsOf(text, max + 3);
      const limit = Math.max(0, max - less);
      assert.ok(ends.length <= max + 3);
      if (left !== undefined) assert.equal(clip(ends, limit, left), clip(text, limit));
      else assert.equal(ends, text);
    }));
  });
});

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

describe("[O10] wrapped()", () => {
  it("breaks lines between words, and never within one", () => {
    assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
    assert.deepEqual(wrapped("a veryverylongword b", 5), ["a", "veryverylongword", "b"]);
  });
});
