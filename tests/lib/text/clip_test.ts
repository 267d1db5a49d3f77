import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { clip } from "../../../src/lib/text/clip.ts";

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
