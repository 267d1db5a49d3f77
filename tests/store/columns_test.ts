import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { snowflakeColumn } from "../../src/store/columns.ts";

describe("[X2] snowflakeColumn()", () => {
  it("reads an id", () => {
    assert.equal(snowflakeColumn<"user">().parse("175928847299117063"), "175928847299117063");
  });

  for (const text of ["", "0", "-1", "12a", "18446744073709551616", null, 1]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(snowflakeColumn().safeParse(text).success, false);
    });
  }
});
