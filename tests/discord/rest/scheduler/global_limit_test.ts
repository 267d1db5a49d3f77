import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type BreakerState,
  createGlobalLimit,
} from "../../../../src/discord/rest/scheduler/global_limit.ts";
import { type Bucket, UNKNOWN } from "../../../../src/discord/rest/scheduler/buckets.ts";

const RETRY = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0 };
const ROUTE = { name: "POST /channels/:id/messages", channelId: undefined };

function setUp(state: BreakerState = "closed", ms = 0) {
  const bucket: Bucket = { window: UNKNOWN, inFlight: 0, untimed429s: 0, route: ROUTE };
  const breaker = { check: () => ({ state, stoppedForMs: ms }) };
  return { bucket, globalLimit: createGlobalLimit({ retry: RETRY, random: () => 0.5 }, breaker) };
}

const refused = (isGlobal: boolean, retryMs?: number) => ({
  refused: { isGlobal, ...(retryMs !== undefined && { retryMs }) },
});

describe("[D3] createGlobalLimit()", () => {
  it("blocks all requests for a global 429 only", () => {
    const { bucket, globalLimit } = setUp();
    assert.equal(globalLimit.update(bucket, refused(false, 300), 0), 300);
    assert.equal(globalLimit.at(0).until, -Infinity);
    assert.equal(globalLimit.update(bucket, refused(true, 300), 0), 300);
    assert.equal(globalLimit.at(1).until, 300);
    globalLimit.update(bucket, refused(true, 100), 1);
    assert.equal(globalLimit.at(1).until, 300, "a shorter limit does not shorten it");
  });

  for (const isGlobal of [true, false]) {
    it(`[D5] waits longer after each 429 without a duration, ${isGlobal ? "global" : "of a bucket"}`, () => {
      const { bucket, globalLimit } = setUp();
      const waits = [1, 2, 3, 4, 5, 6, 7, 8].map(() =>
        globalLimit.update(bucket, refused(isGlobal), 0)
      );
      assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
      assert.equal(globalLimit.update(bucket, {}, 0), 0);
      assert.equal(globalLimit.update(bucket, refused(isGlobal), 0), 500, "a success ends the row");
    });
  }

  it("blocks all requests while the breaker is stopped, and slows them unless it is closed", () => {
    assert.deepEqual(setUp("closed").globalLimit.at(7), { until: -Infinity, isSlowed: false });
    assert.deepEqual(setUp("slowed").globalLimit.at(7), { until: -Infinity, isSlowed: true });
    assert.deepEqual(setUp("stopped", 100).globalLimit.at(7), { until: 107, isSlowed: true });
  });
});
