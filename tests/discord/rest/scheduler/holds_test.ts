import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BreakerState } from "../../../../src/discord/rest/scheduler/breaker.ts";
import { type Bucket, UNKNOWN } from "../../../../src/discord/rest/scheduler/buckets.ts";
import { createHolds } from "../../../../src/discord/rest/scheduler/holds.ts";

const RETRY = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0 };

function setUp(state: BreakerState = "closed", ms = 0) {
  const bucket: Bucket = { window: UNKNOWN, underWay: 0, strikes: 0 };
  const breaker = { check: () => ({ state, stoppedForMs: ms }) };
  return { bucket, holds: createHolds({ retry: RETRY, breaker, random: () => 0.5 }) };
}

const refused = (isForAll: boolean, retryMs?: number) => ({
  refused: { isForAll, ...(retryMs !== undefined && { retryMs }) },
});

describe("[D3] createHolds()", () => {
  it("holds all for a limit for all, and for no other", () => {
    const { bucket, holds } = setUp();
    assert.equal(holds.tell(bucket, refused(false, 300), 0), 300);
    assert.equal(holds.at(0).until, -Infinity);
    assert.equal(holds.tell(bucket, refused(true, 300), 0), 300);
    assert.equal(holds.at(1).until, 300);
    holds.tell(bucket, refused(true, 100), 1);
    assert.equal(holds.at(1).until, 300, "a shorter one does not end it");
  });

  for (const isForAll of [true, false]) {
    it(`[D5] waits longer each time that nobody says how long, ${isForAll ? "for all" : "for one"}`, () => {
      const { bucket, holds } = setUp();
      const waits = [1, 2, 3, 4, 5, 6, 7, 8].map(() => holds.tell(bucket, refused(isForAll), 0));
      assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
      assert.equal(holds.tell(bucket, {}, 0), 0);
      assert.equal(holds.tell(bucket, refused(isForAll), 0), 500, "an answer ends the row");
    });
  }

  it("holds all while the breaker is stopped, and slows all while it is not open", () => {
    assert.deepEqual(setUp("closed").holds.at(7), { until: -Infinity, isSlowed: false });
    assert.deepEqual(setUp("slowed").holds.at(7), { until: -Infinity, isSlowed: true });
    assert.deepEqual(setUp("stopped", 100).holds.at(7), { until: 107, isSlowed: true });
  });
});
