import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timeText } from "../../../simulator/page/web/times.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const SEC = NOW / 1_000;

const RELATIVE: readonly (readonly [inSec: number, text: string])[] = [
  [0, "in 0 seconds"],
  [30, "in 30 seconds"],
  [3_599, "in 59 minutes"],
  [3_600, "in 1 hour"],
  [-90, "1 minute ago"],
  [-2 * 86_400, "2 days ago"],
  [400 * 86_400, "in 1 year"],
];

describe("[O5] timeText()", () => {
  for (const [inSec, text] of RELATIVE) {
    it(`says "${text}" for ${inSec} s`, () =>
      assert.equal(timeText(SEC + inSec, "R", NOW, "en"), text));
  }

  it("has a date, a time, or both", () => {
    assert.match(timeText(SEC, "t", NOW, "en-GB"), /^\d\d:\d\d$/);
    assert.match(timeText(SEC, "D", NOW, "en-GB"), /^[12] \w+ 2026$/);
    assert.match(timeText(SEC, "f", NOW, "en-GB"), /2026.*\d\d:\d\d$/);
    assert.equal(timeText(SEC, "?", NOW, "en"), timeText(SEC, "f", NOW, "en"));
  });
});
