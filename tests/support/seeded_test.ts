import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seeded } from "./seeded.ts";

describe("seeded()", () => {
  it("gives the same numbers for the same seed, and different ones for another", () => {
    const draw = (seed: number) => {
      const { random } = seeded(seed);
      return Array.from({ length: 5 }, random);
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.deepEqual(draw(1)[0], 0.6270739405881613);
  });

  it("stays within bounds, and reaches both", () => {
    const dice = seeded(3);
    const thrown = new Set(Array.from({ length: 500 }, () => dice.between(1, 6)));
    assert.deepEqual([...thrown].sort(), [1, 2, 3, 4, 5, 6]);
    const picked = new Set(Array.from({ length: 100 }, () => dice.pick(["a", "b"])));
    assert.deepEqual([...picked].sort(), ["a", "b"]);
    assert.throws(() => dice.pick([]), RangeError);
  });
});
