import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { meaningOf } from "../../../../src/discord/gateway/lifecycle/close_codes.ts";

describe("[G3] meaningOf()", () => {
  for (const code of [4004, 4010, 4011, 4012, 4013, 4014]) {
    it(`treats ${code} as final, with advice for the operator`, () => {
      const { recovery, hint } = meaningOf(code);
      assert.equal(recovery, "final");
      assert.ok(hint);
    });
  }

  it("names the token, the intents and the portal's page", () => {
    assert.match(meaningOf(4004).hint!, /token.*https:\/\/discord\.com\/developers\/applications/);
    assert.match(meaningOf(4014).hint!, /Message Content Intent.*discord\.com\/developers/);
    assert.doesNotMatch(meaningOf(4014).hint!, /Members/, "the config key of the intents");
  });
});
