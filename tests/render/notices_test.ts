import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { failureNotice } from "../../src/render/notices.ts";

describe("[R13] failureNotice()", () => {
  it("[R11] is one line that names the id, and where it leads", () => {
    const text = failureNotice("f7k2", {});
    assert.match(text, /log: `f7k2`/);
    assert.ok(!text.includes("\n"));
  });

  it("says it in the operator's words", () => {
    const texts = { failure: "Ging nicht: {id}. Nochmal: {id}." };
    assert.equal(failureNotice("$&", texts), "Ging nicht: $&. Nochmal: $&.");
  });
});
