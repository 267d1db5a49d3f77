import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sessionStartLimit, spendIdentify } from "../../../simulator/gateway/identify_limit.ts";

const NOW = Date.UTC(2026, 0, 2);
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

const blank = () => ({
  identifies: [] as number[],
  lastIdentifyAt: new Map<number, number>(),
  earlyIdentifies: 0,
});

const LIMIT = { total: 1_000, spacingMs: 5_000 };

describe("[G5] sessionStartLimit()", () => {
  const cases: readonly [string, readonly number[], remaining: number, resetAfter: number][] = [
    ["nothing spent", [], 1_000, 0],
    ["two today", [NOW - 10, NOW], 998, DAY_MS - 10],
    ["a window that is over", [NOW - DAY_MS, NOW - 1], 1_000, 0],
    ["a window that is about to be", [NOW - DAY_MS + 1, NOW], 998, 1],
    ["one at the very end of a window", [NOW - DAY_MS, NOW], 999, DAY_MS],
    ["one after a window", [NOW - 2 * DAY_MS, NOW - 3 * HOUR_MS], 999, 21 * HOUR_MS],
    ["more than there are", Array.from({ length: 1_001 }, () => NOW), 0, DAY_MS],
  ];
  for (const [what, identifies, remaining, resetAfter] of cases) {
    it(
      what,
      () =>
        assert.deepEqual(
          sessionStartLimit({ identifies }, { ...LIMIT, maxConcurrency: 1 }, NOW),
          { total: 1_000, remaining, reset_after: resetAfter, max_concurrency: 1 },
        ),
    );
  }
});

describe("[G5] spendIdentify()", () => {
  const rows: readonly [
    string,
    maxConcurrency: number,
    readonly (readonly [shard: number, afterMs: number, verdict: string])[],
  ][] = [
    ["one key", 1, [[0, 0, "spent"], [1, 4_999, "too_soon"], [2, 9_999, "spent"]]],
    ["two keys", 2, [[0, 0, "spent"], [1, 1, "spent"], [2, 2, "too_soon"], [3, 5_001, "spent"]]],
    ["the same shard of many keys", 16, [[3, 0, "spent"], [3, 10, "too_soon"]]],
  ];
  for (const [what, maxConcurrency, identifies] of rows) {
    it(`spaces ${what}, and counts early ones`, () => {
      const account = blank();
      for (const [shard, afterMs, verdict] of identifies) {
        const limit = { ...LIMIT, maxConcurrency };
        assert.equal(spendIdentify(account, limit, shard, NOW + afterMs), verdict);
      }
      const early = identifies.filter(([, , verdict]) => verdict === "too_soon").length;
      assert.equal(account.earlyIdentifies, early);
      assert.equal(account.identifies.length, identifies.length);
    });
  }

  it("is exhausted by more than a thousand in any 24 hours, wherever a window begins", () => {
    const account = blank();
    const limit = { ...LIMIT, maxConcurrency: 1 };
    account.identifies.push(NOW - 20 * HOUR_MS);
    for (let hour = 1; hour <= 999; hour += 1) account.identifies.push(NOW + hour);
    assert.equal(spendIdentify(account, limit, 0, NOW + HOUR_MS), "exhausted");
    // The reported window has begun anew; the last 24 hours have not.
    assert.equal(spendIdentify(account, limit, 0, NOW + 5 * HOUR_MS), "exhausted");
    assert.equal(spendIdentify(account, limit, 0, NOW + 25 * HOUR_MS), "spent");
  });
});
