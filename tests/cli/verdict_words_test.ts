import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wordsFor } from "../../src/cli/verdict_words.ts";

describe("[P1] wordsFor()", () => {
  it("has a sentence for a reason", () => {
    assert.match(wordsFor("no-mention"), /^Nobody mentioned the bot.*\.$/);
  });

  it("says so of a reason that it does not know, whatever it is called", () => {
    for (const why of ["by-decree", "", "constructor", "__proto__"]) {
      assert.match(wordsFor(why), /does not know/);
    }
  });
});
