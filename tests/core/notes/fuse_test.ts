import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuseRanks } from "../../../src/core/notes/embedding.ts";

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
