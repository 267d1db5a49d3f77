import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Batch,
  BATCH_BOUNDS,
  type BatchBounds,
  createBatches,
  DISPATCH_OVERHEAD,
} from "../../../../src/discord/gateway/link/protocol.ts";

const SESSION = { sessionId: "s", resumeUrl: "wss://r", seq: 1 };

/** Batches with a clock that the test controls. */
function open(bounds: BatchBounds = BATCH_BOUNDS) {
  const posted: Batch[] = [];
  const fullness: boolean[] = [];
  const timers = new Set<{ at: number; callback: () => void }>();
  let now = 0;
  const batches = createBatches(
    {
      post: (batch) => void posted.push(batch),
      onFull: (isFull) => void fullness.push(isFull),
      after(ms, callback) {
        const timer = { at: now + ms, callback };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
    1,
    bounds,
  );
  return {
    batches,
    posted,
    fullness,
    timers,
    pass(ms: number) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}

describe("[G1] createBatches()", () => {
  it("[G5b] knows the position and the session of the committed batches", () => {
    const { batches, pass } = open();
    batches.add("1", 1);
    batches.skip(2);
    pass(30_000);
    batches.newEpoch(SESSION);
    batches.add("1", 1);
    assert.deepEqual(batches.committed(2), { epoch: 1, seq: 2 });
    assert.equal(batches.committed(2), undefined);
    assert.deepEqual(batches.committed(99), { epoch: 2, seq: 1 });
  });

  it("[G5] tells the number of unused dispatches now and then, and none of an ended session", () => {
    const { batches, posted, timers, pass } = open();
    batches.skip(2);
    batches.skip(3);
    pass(30_000);
    batches.skip(4);
    batches.newEpoch(SESSION);
    pass(30_000);
    batches.skip(2);
    batches.add("3", 3);
    batches.skip(4);
    batches.close();
    const seen = posted.map(({ epoch, seq, text }) => [epoch, seq, text]);
    assert.deepEqual(seen, [[1, 3, undefined], [2, 3, "3"]]);
    assert.equal(timers.size, 0);
  });

  it("[G5] [G5b] [G6] marks READY, a dispatch after a hole, and replayed ones", () => {
    const { batches, posted } = open();
    batches.hole();
    batches.add("8", 8, true);
    batches.add("9", 9);
    batches.newEpoch(SESSION);
    batches.add("1", 1);
    batches.add("2", 2);
    const seen = posted.map((one) => [one.text, one.session, one.afterHole, one.isReplayed]);
    assert.deepEqual(seen, [
      ["8", undefined, true, true],
      ["9", undefined, undefined, undefined],
      ["1", SESSION, undefined, undefined],
      ["2", undefined, undefined, undefined],
    ]);
  });

  it("is full from its bound on, until enough is committed", () => {
    const { batches, fullness } = open({ maxBytes: 2 * DISPATCH_OVERHEAD });
    batches.add("1", 1);
    assert.deepEqual(fullness, []);
    batches.add("2", 2);
    batches.add("3", 3);
    batches.committed(1);
    assert.deepEqual(fullness, [true]);
    batches.committed(2);
    assert.deepEqual(fullness, [true, false]);
    assert.equal(batches.uncommitted, 1);
  });
});
