import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createNewestSet } from "../../src/lib/cache.ts";

describe("createNewestSet()", () => {
  it("keeps the newest members, up to its maximum", () => {
    const newest = createNewestSet<number>(3);
    for (const member of [1, 2, 3, 1, 4]) newest.add(member);
    assert.equal(newest.size, 3);
    assert.deepEqual([1, 2, 3, 4].filter(newest.has), [1, 3, 4]);
  });
});
