import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Backoff,
  backoffMs,
  retryAfterOf,
  retryDelayMs,
} from "../../../src/lib/network/backoff.ts";

const BOUNDS: Backoff = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };
const ALMOST_ONE = 1 - Number.EPSILON;

describe("[G4] backoffMs()", () => {
  const longest: readonly [attempt: number, delayMs: number][] = [
    [1, 999],
    [2, 1_499],
    [3, 2_249],
    [11, 57_665],
    [12, 59_999], // 86 498, held at the bound
    [5_000, 59_999], // 1.5 ** 4999 is infinite
  ];
  for (const [attempt, delayMs] of longest) {
    it(`waits at most ${delayMs} ms before attempt ${attempt}`, () => {
      assert.equal(backoffMs(attempt, ALMOST_ONE, BOUNDS), delayMs);
    });
  }

  it("draws the wait evenly from the least to the bound", () => {
    const draws = [0, 0.25, 0.5, 0.75].map((random) => backoffMs(3, random, BOUNDS));
    assert.deepEqual(draws, [500, 937, 1_375, 1_812]);
  });

  it("keeps the shortest delay if the bound is below it", () => {
    assert.equal(backoffMs(3, 0.5, { ...BOUNDS, maxDelayMs: 100 }), 500);
  });

  for (const attempt of [0, -1, 1.5, NaN]) {
    it(`refuses attempt ${attempt}`, () => {
      assert.throws(() => backoffMs(attempt, 0, BOUNDS), {
        name: "RangeError",
        message: new RegExp(`attempt ${attempt}:`),
      });
    });
  }
});

describe("[D5] retryDelayMs()", () => {
  const RULES = { minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 };
  const rows: readonly [failures: number, random: number, delayMs: number][] = [
    [1, 0.5, 500],
    [2, 0.5, 1_000],
    [3, 0.5, 2_000],
    [7, 0.5, 30_000], // 32 000, held at the bound
    [1, 0, 450],
    [1, ALMOST_ONE, 550],
    [5_000, ALMOST_ONE, 33_000], // 2 ** 4999 is infinite
  ];
  for (const [failures, random, delayMs] of rows) {
    it(`waits ${delayMs} ms after failure ${failures}, drawing ${random}`, () => {
      assert.equal(retryDelayMs(failures, random, RULES), delayMs);
    });
  }

  it("does not wait without a delay, after any number of failures", () => {
    assert.equal(retryDelayMs(5_000, 0.5, { ...RULES, minDelayMs: 0 }), 0);
  });
});

const NOW = Date.UTC(2026, 0, 1, 12);

const cases: readonly [value: string | null | undefined, ms: number | undefined][] = [
  ["0", 0],
  ["7", 7_000],
  [" 7 ", 7_000],
  ["0.5", 500],
  ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
  ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
  ["soon", undefined],
  ["-1", undefined],
  ["", undefined],
  [null, undefined],
  [undefined, undefined],
];
for (const [value, ms] of cases) {
  it(`[L3] retryAfterOf() › reads ${JSON.stringify(value)} as ${ms}`, () => {
    assert.equal(retryAfterOf(value, NOW), ms);
  });
}
