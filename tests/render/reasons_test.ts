import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCEPTED, CHALLENGED, IGNORED, reasonText, UNDECIDED } from "../../src/render/failure.ts";

describe("[P1] reasonText()", () => {
  it("has a sentence for every reason of each verdict", () => {
    for (const reasons of [ACCEPTED, CHALLENGED, UNDECIDED, IGNORED]) {
      for (const [why, text] of Object.entries(reasons)) {
        assert.equal(reasonText(why), text);
        assert.match(text, /^[A-Z/].*\.$/, why);
      }
    }
  });

  it("reports an unknown reason as unknown", () => {
    for (const why of ["by-decree", "", "constructor", "__proto__"]) {
      assert.match(reasonText(why), /another version/);
    }
  });
});
