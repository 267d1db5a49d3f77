import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { snowflakeSchema } from "../../../src/discord/rest/snowflake_schema.ts";

describe("snowflakeSchema()", () => {
  it("takes an id as it is", () => {
    assert.equal(snowflakeSchema<"user">().parse("123456789012345678"), "123456789012345678");
  });

  for (const bad of ["", "0", "abc", "18446744073709551616", 123, null, undefined]) {
    it(`refuses ${JSON.stringify(bad)}`, () => {
      assert.equal(snowflakeSchema().safeParse(bad).success, false);
    });
  }
});
