import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { createNearness, fuseRanks, packVector } from "../../../src/core/notes/embedding.ts";

describe("[T14] packVector()", () => {
  it("keeps the direction, whatever the size of the numbers", () => {
    assert.deepEqual(packVector([0.5, -0.25, 0]), Int8Array.of(127, -63, 0));
    assert.deepEqual(packVector([1e-9, -5e-10, 0]), Int8Array.of(127, -63, 0));
  });

  it("refuses numbers without a direction", () => {
    for (const numbers of [[], [0, 0], [1, Number.NaN], [Infinity, 1]]) {
      assert.equal(packVector(numbers), undefined, String(numbers));
    }
  });
});

describe("[T14] createNearness()", () => {
  it("is the cosine: 1 for the same direction, 0 for a right angle, -1 for the opposite", () => {
    const nearness = createNearness(Int8Array.of(10, 0));
    const others: readonly [Int8Array, number][] = [
      [Int8Array.of(127, 0), 1],
      [Int8Array.of(0, 50), 0],
      [Int8Array.of(-3, 0), -1],
    ];
    for (const [other, expected] of others) assert.equal(nearness(other), expected);
  });

  it("compares no vectors of different lengths, and none without a direction", () => {
    const nearness = createNearness(Int8Array.of(1, 2));
    assert.equal(nearness(Int8Array.of(1, 2, 3)), undefined);
    assert.equal(nearness(Int8Array.of(0, 0)), undefined);
    assert.equal(nearness(new Int8Array(0)), undefined);
  });

  it("differs from the cosine of the numbers by less than a hundredth", () => {
    const numbers = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
      minLength: 256,
      maxLength: 256,
    });
    fc.assert(fc.property(numbers, numbers, (one, other) => {
      const [packed, packedOther] = [packVector(one), packVector(other)];
      if (!packed || !packedOther) return;
      const exact = dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
      if (!Number.isFinite(exact)) return; // the squares of tiny numbers are 0
      const near = createNearness(packed)(packedOther) ?? Number.NaN;
      assert.ok(Math.abs(near - exact) < 0.01, `${near} for ${exact}`);
    }));
  });
});

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, number, at) => sum + number * (other[at] ?? 0), 0);
}

describe("[T14] fuseRanks()", () => {
  const cases: readonly [
    title: string,
    lists: readonly (readonly number[])[],
    limit: number,
    fused: readonly number[],
  ][] = [
    ["puts an id of both lists before ids of one", [[1, 2], [3, 2]], 9, [2, 1, 3]],
    ["takes ties in the order of the lists", [[1], [2]], 9, [1, 2]],
    ["keeps the order of a single list", [[3, 1, 2], []], 9, [3, 1, 2]],
    ["has each id once, and not more than the limit", [[1, 2, 3], [3, 2, 1]], 2, [1, 3]],
    ["has none of no lists", [], 9, []],
  ];
  for (const [title, lists, limit, fused] of cases) {
    it(title, () => assert.deepEqual(fuseRanks(lists, limit), fused));
  }
});
