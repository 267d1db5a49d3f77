import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sessionStartLimit, spendIdentify } from "../../../simulator/gateway/identify_limit.ts";

const NOW = Date.UTC(2026, 0, 2);
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

const blank = () => ({
  identifies: [] as number[],
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
          sessionStartLimit({ identifies }, LIMIT, NOW),
          { total: 1_000, remaining, reset_after: resetAfter, max_concurrency: 1 },
        ),
    );
  }
});

describe("[G5] spendIdentify()", () => {
  it("spaces them, and counts early ones", () => {
    const account = blank();
    const rows = [[0, "spent"], [4_999, "too_soon"], [9_999, "spent"]] as const;
    for (const [afterMs, verdict] of rows) {
      assert.equal(spendIdentify(account, LIMIT, NOW + afterMs), verdict);
    }
    assert.deepEqual([account.earlyIdentifies, account.identifies.length], [1, 3]);
  });

  it("is exhausted by more than a thousand in any 24 hours, wherever a window begins", () => {
    const account = blank();
    account.identifies.push(NOW - 20 * HOUR_MS);
    for (let hour = 1; hour <= 999; hour += 1) account.identifies.push(NOW + hour);
    assert.equal(spendIdentify(account, LIMIT, NOW + HOUR_MS), "exhausted");
    // The reported window has begun anew; the last 24 hours have not.
    assert.equal(spendIdentify(account, LIMIT, NOW + 5 * HOUR_MS), "exhausted");
    assert.equal(spendIdentify(account, LIMIT, NOW + 25 * HOUR_MS), "spent");
  });
});
