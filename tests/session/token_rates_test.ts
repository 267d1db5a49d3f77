import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTokenRates } from "../../src/session/history.ts";

describe("[L4] createTokenRates()", () => {
  it("begins with 0.3, and follows the counts of each model", () => {
    const rates = createTokenRates();
    assert.equal(rates.rateOf("a"), 0.3);
    for (let request = 0; request < 30; request++) rates.observe("a", 1_000, 900);
    assert.ok(Math.abs(rates.rateOf("a") - 0.9) < 0.01);
    assert.equal(rates.rateOf("b"), 0.3);
  });

  it("ignores short requests and impossible counts", () => {
    const rates = createTokenRates();
    for (const [chars, tokens] of [[499, 400], [1_000, 0], [1_000, 9_999], [0, 10]] as const) {
      rates.observe("a", chars, tokens);
    }
    assert.equal(rates.rateOf("a"), 0.3);
  });
});
