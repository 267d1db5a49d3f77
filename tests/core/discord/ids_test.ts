import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  compareIds,
  createdAtMs,
  parseSnowflake,
  toAccountId,
} from "../../../src/core/discord/ids.ts";
import { messageId } from "../../support/discord/builders.ts";

describe("[P4] parseSnowflake()", () => {
  for (const text of ["1", "175928847299117063", "18446744073709551615"]) {
    it(`keeps ${text} as it is`, () => {
      assert.equal(parseSnowflake(text), text);
    });
  }

  const refused: readonly [text: string, why: string][] = [
    ["", "empty"],
    ["0", "zero is no id"],
    ["007", "leading zeros"],
    ["-1", "signed"],
    ["1e3", "an exponent"],
    [" 12 ", "spaces"],
    ["18446744073709551616", "one more than 64 bits hold"],
  ];
  for (const [text, why] of refused) {
    it(`refuses ${JSON.stringify(text)}: ${why}`, () => {
      assert.equal(parseSnowflake(text), undefined);
    });
  }
});

it("createdAtMs() › agrees with the example in Discord's documentation", () => {
  const id = messageId("175928847299117063");
  assert.equal(new Date(createdAtMs(id)).toISOString(), "2016-04-30T11:18:25.796Z");
});

const exactly = (id: bigint) => Number((id >> 22n) + 1_420_070_400_000n);

it("createdAtMs() of any id › agrees with the arithmetic of 64 bits", () => {
  const near = fc.tuple(
    fc.bigInt({ min: 1n, max: 2n ** 42n - 1n }),
    fc.integer({ min: -2_000, max: 2_000 }),
  )
    .map(([ms, by]) => (ms << 22n) + BigInt(by));
  const any = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(fc.oneof(near, any), (id) => {
      fc.pre(id > 0n);
      assert.equal(createdAtMs(messageId(String(id))), exactly(id));
    }),
    { numRuns: 5_000 },
  );
});

it("[C6] toAccountId() › ignores case", () => {
  assert.equal(toAccountId("Home"), toAccountId("home"));
});

it("[H1] compareIds() › orders by number, not by text", () => {
  const ids = ["10", "9", "100"].map((digits) => messageId(digits));
  assert.deepEqual(ids.sort(compareIds), ["9", "10", "100"]);
});
