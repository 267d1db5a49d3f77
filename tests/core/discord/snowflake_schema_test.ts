import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { snowflakeSchema } from "../../../src/core/discord/lenient.ts";

describe("[X2] snowflakeSchema()", () => {
  it("takes an id as it is", () => {
    assert.equal(snowflakeSchema<"user">().parse("175928847299117063"), "175928847299117063");
  });

  for (
    const bad of ["", "0", "-1", "12a", "18446744073709551616", 1234, 1.5, {}, null, undefined]
  ) {
    it(`refuses ${JSON.stringify(bad)}`, () => {
      assert.equal(snowflakeSchema().safeParse(bad).success, false);
    });
  }

  it("shows no part of a refused text", () => {
    const { error } = snowflakeSchema().safeParse("hunter2");
    assert.doesNotMatch(error?.message ?? "none", /none|hunter2/);
  });
});
