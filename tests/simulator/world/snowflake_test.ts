import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareIds, createdAtMs } from "../../../src/core/discord/ids.ts";
import { nextId } from "../../../simulator/world/snowflake.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("[D2] nextId()", () => {
  it("rises with any clock", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 })), (steps) => {
      const counter = { last: 0n };
      const ids = steps.map((step) => nextId(counter, NOW + step));
      for (const [index, id] of ids.slice(1).entries()) assert.ok(compareIds(id, ids[index]!) > 0);
    }));
  });

  it("contains its time of creation", () => {
    assert.equal(createdAtMs(nextId({ last: 0n }, NOW)), NOW);
  });

  it("refuses a time that an id cannot contain", () => {
    assert.throws(() => nextId({ last: 0n }, 2 ** 43 + NOW), RangeError);
  });
});
