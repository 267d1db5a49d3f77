import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
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
  const from = { number: 0 };
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
    from,
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
  it("[G6] sends replayed dispatches apart from others", () => {
    const { batches, posted, pass } = open();
    batches.replayed(true);
    for (const seq of [1, 2, 3]) batches.add(`${seq}`, seq);
    batches.replayed(true);
    batches.replayed(false);
    batches.add("5", 5);
    pass(8);
    const seen = posted.map(({ text, isReplayed }) => [JSON.parse(text), isReplayed]);
    assert.deepEqual(seen, [[[1], true], [[2, 3], true], [[5], undefined]]);
  });

  it("[G5b] knows the position and the session of the committed batches", () => {
    const { batches } = open();
    batches.add("1", 1);
    batches.skip(2);
    batches.newEpoch({ sessionId: "s", resumeUrl: "r", seq: 1 });
    batches.add("1", 1);
    assert.deepEqual(batches.committed(1), { epoch: 1, seq: 1 });
    assert.equal(batches.committed(1), undefined);
    assert.equal(batches.committed(99)?.seq, 2);
  });

  it("[G5] puts no two sessions into one batch", () => {
    const { batches, posted } = open();
    batches.add("8", 8);
    batches.add("9", 9);
    batches.newEpoch(SESSION);
    batches.add("1", 1);
    batches.close();
    assert.deepEqual(posted.map(({ epoch, seq }) => [epoch, seq]), [[1, 8], [1, 9], [2, 1]]);
  });

  it("[G5] puts the session only into the batch that starts with its READY", () => {
    const { batches, posted, pass } = open();
    batches.add("8", 8);
    batches.newEpoch(SESSION);
    batches.add("1", 1);
    assert.equal(posted.length, 1, "READY waits, and the session with it");
    pass(8);
    batches.add("2", 2);
    batches.close();
    assert.deepEqual(posted.map(({ text, session }) => [text, session]), [
      ["[8]", undefined],
      ["[1]", SESSION],
      ["[2]", undefined],
    ]);
  });

  it("loses, duplicates and reorders nothing, with any timing", () => {
    const action = fc.oneof(
      { arbitrary: fc.constant("add" as const), weight: 5 },
      fc.constantFrom("skip", "pass", "commit", "epoch"),
    );
    fc.assert(fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
      const { batches, posted, pass } = open({ maxBytes: 20 * DISPATCH_OVERHEAD });
      const added: string[] = [];
      let seq = 0;
      let epoch = 1;
      for (const act of actions) {
        if (act === "add") {
          seq++;
          added.push(JSON.stringify([epoch, seq]));
          batches.add(added.at(-1)!, seq);
        } else if (act === "skip") batches.skip(++seq);
        else if (act === "pass") pass(9);
        else if (act === "commit") batches.committed(posted.at(-1)?.number ?? 0);
        else {
          batches.newEpoch(SESSION);
          epoch++;
          seq = 0;
        }
      }
      batches.close();
      const items = posted.flatMap((batch) =>
        (JSON.parse(batch.text) as unknown[]).map((item) => ({ batch, item: JSON.stringify(item) }))
      );
      assert.deepEqual(items.map(({ item }) => item), added);
      for (const { batch, item } of items) {
        const [itsEpoch, dispatchSeq] = JSON.parse(item);
        assert.ok(batch.epoch === itsEpoch && batch.seq >= dispatchSeq);
      }
      assert.deepEqual(posted.map(({ number }) => number), posted.map((_, i) => i + 1));
    }));
  });
});
