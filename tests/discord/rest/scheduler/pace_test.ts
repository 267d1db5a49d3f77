import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createPace,
  GLOBAL_WINDOW_MS,
  type GlobalLimitState,
  type Priority,
  SLOWED_EVERY_MS,
} from "../../../../src/discord/rest/scheduler/global_limit.ts";

const FREE: GlobalLimitState = { until: -Infinity, isSlowed: false };
const SLOWED: GlobalLimitState = { until: -Infinity, isSlowed: true };
const COUNTED: readonly Priority[] = ["reply", "background", "spare"];
const RANKS: readonly Priority[] = ["interaction", "reply", "background", "spare"];

/** The number of requests of one priority that may leave at one moment, after others. */
function fits(
  priority: Priority,
  earlier: readonly (readonly [Priority, number])[] = [],
  options = { globalPerSec: 50, unusedPerSec: 2 },
): number {
  const pace = createPace(options);
  for (const [other, count] of earlier) for (let n = 0; n < count; n++) pace.take(other, 0);
  for (let count = 0;; count++) {
    if (pace.waitMs(priority, FREE, 1) > 0) return count;
    pace.take(priority, 1);
  }
}

describe("[D3][D4] createPace()", () => {
  const rows: readonly [
    priority: Priority,
    earlier: readonly (readonly [Priority, number])[],
    count: number,
  ][] = [
    ["interaction", [], 50],
    ["interaction", [["reply", 48]], 50],
    ["interaction", [["interaction", 30]], 20],
    ["reply", [], 48],
    ["reply", [["interaction", 50]], 48],
    ["background", [["interaction", 50]], 25],
    ["spare", [["interaction", 50]], 7],
    ["background", [], 25],
    ["background", [["reply", 20]], 5],
    ["background", [["reply", 25]], 0],
    ["spare", [], 7],
    ["spare", [["reply", 30]], 7],
    ["spare", [["reply", 35]], 3],
    ["spare", [["reply", 38]], 0],
  ];
  for (const [priority, earlier, count] of rows) {
    it(`lets ${count} of ${priority} leave after ${JSON.stringify(earlier)}`, () => {
      assert.equal(fits(priority, earlier), count);
    });
  }

  it("lets one reply leave, however large the margin is", () => {
    assert.equal(fits("reply", [], { globalPerSec: 2, unusedPerSec: 2 }), 1);
    assert.equal(fits("spare", [], { globalPerSec: 1, unusedPerSec: 0 }), 1);
  });

  it("waits until the window ends", () => {
    const pace = createPace({ globalPerSec: 1, unusedPerSec: 0 });
    pace.take("reply", 0);
    for (const priority of COUNTED) {
      assert.equal(pace.waitMs(priority, FREE, 20), GLOBAL_WINDOW_MS - 20);
    }
    for (const priority of RANKS) assert.equal(pace.waitMs(priority, FREE, GLOBAL_WINDOW_MS), 0);
  });

  it("lets no request leave during a global limit", () => {
    const pace = createPace({ globalPerSec: 50, unusedPerSec: 2 });
    for (const priority of RANKS) {
      assert.equal(pace.waitMs(priority, { until: 5_000, isSlowed: false }, 2_000), 3_000);
    }
  });

  it("slows all requests but interactions, and refuses spare ones", () => {
    const pace = createPace({ globalPerSec: 50, unusedPerSec: 2 });
    pace.take("interaction", 0);
    assert.deepEqual(RANKS.map((priority) => pace.waitMs(priority, SLOWED, 1)), [
      0,
      0,
      0,
      Infinity,
    ]);
    pace.take("reply", 1);
    assert.deepEqual(RANKS.map((priority) => pace.waitMs(priority, SLOWED, 1)), [
      0,
      SLOWED_EVERY_MS,
      SLOWED_EVERY_MS,
      Infinity,
    ]);
    assert.equal(pace.waitMs("reply", SLOWED, 1 + SLOWED_EVERY_MS), 0);
  });
});
