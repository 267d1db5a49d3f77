import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { retryAfterOf } from "../../../src/lib/network/backoff.ts";

const NOW = Date.UTC(2026, 0, 1, 12);

describe("[L3] retryAfterOf()", () => {
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
    it(`reads ${JSON.stringify(value)} as ${ms}`, () => {
      assert.equal(retryAfterOf(value, NOW), ms);
    });
  }
});
