import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wrapped } from "../../../src/lib/text/wrap.ts";

describe("[O10] wrapped()", () => {
  it("breaks lines between words, and never within one", () => {
    assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
    assert.deepEqual(wrapped("a veryverylongword b", 5), ["a", "veryverylongword", "b"]);
  });
});
