import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Batch,
  BATCH_BOUNDS,
  type BatchBounds,
  createBatches,
  DISPATCH_OVERHEAD,
  SEPARATOR,
} from "../../../../src/discord/gateway/link/batches.ts";
import { sameData } from "../../../support/same_data.ts";

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
      repeatsFrom: () => from.number,
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
  it("sends the first dispatch at once, and later ones after 8 ms", () => {
    const { batches, posted, pass } = open();
    for (const seq of [1, 2, 3]) batches.add(`${seq}`, seq);
    sameData(posted, [{ number: 1, epoch: 1, seq: 1, text: "[1]" }]);
    pass(7);
    assert.equal(posted.length, 1);
    pass(1);
    sameData(posted[1], { number: 2, epoch: 1, seq: 3, text: `[2${SEPARATOR}3]` });
  });

  it("sends at once after a pause, despite uncommitted batches", () => {
    const { batches, posted, pass } = open();
    batches.add("1", 1);
    pass(8);
    batches.add("2", 2);
    assert.deepEqual(posted.map(({ text }) => text), ["[1]", "[2]"]);
    batches.add("3", 3);
    assert.equal(posted.length, 2, "dispatches right after it gather");
  });

  it("measures the pause from the last batch, not from the first", () => {
    const { batches, posted, pass } = open();
    batches.add("1", 1);
    pass(7);
    for (let seq = 2; seq <= 65; seq++) batches.add(`${seq}`, seq);
    assert.equal(posted.length, 2);
    pass(1);
    batches.add("66", 66);
    assert.equal(posted.length, 2);
    pass(7);
    assert.equal(posted[2]!.text, "[66]");
  });

  it("sends the gathered dispatches once the batch before is committed", () => {
    const { batches, posted, pass } = open();
    for (const seq of [1, 2, 3]) batches.add(`${seq}`, seq);
    batches.committed(1);
    assert.deepEqual(JSON.parse(posted[1]!.text), [2, 3]);
    pass(8);
    assert.equal(posted.length, 2, "and only once");
  });

  it("[G6] sends replayed dispatches apart from others", () => {
    const { batches, posted, pass } = open();
    batches.replayed(true);
    for (const seq of [1, 2, 3]) batches.add(`${seq}`, seq);
    batches.replayed(true);
    batches.addShort("[4]", 4);
    batches.replayed(false);
    batches.add("5", 5);
    pass(8);
    const seen = posted.map(({ text, isReplayed }) => [JSON.parse(text), isReplayed]);
    assert.deepEqual(seen, [[[1], true], [[2, 3, [4]], true], [[5], undefined]]);
  });

  it("lets short messages wait for each other, 250 ms", () => {
    const { batches, posted, pass, from } = open();
    from.number = 4;
    for (const seq of [1, 2, 3]) batches.addShort(`[${seq}]`, seq);
    pass(249);
    assert.equal(posted.length, 0);
    pass(1);
    const text = `[[1]${SEPARATOR}[2]${SEPARATOR}[3]]`;
    sameData(posted, [{ number: 1, epoch: 1, seq: 3, text, repeatsFrom: 4 }]);
    batches.addShort("[4]", 4);
    assert.equal(posted.length, 1, "and they are never the reason for haste");
    batches.committed(1);
    assert.equal(posted.length, 1);
  });

  it("sends short messages before the next dispatch, with it", () => {
    const { batches, posted, pass, timers } = open();
    for (const seq of [1, 2]) batches.addShort(`[${seq}]`, seq);
    batches.add("3", 3);
    assert.deepEqual(JSON.parse(posted[0]!.text), [[1], [2], 3]);
    batches.add("4", 4);
    batches.addShort("[5]", 5);
    batches.add("6", 6);
    assert.equal(posted.length, 1, "dispatches right after it gather");
    pass(8);
    assert.deepEqual(JSON.parse(posted[1]!.text), [4, [5], 6]);
    assert.equal(posted[1]!.seq, 6);
    pass(300);
    assert.equal(timers.size, 0);
  });

  it("sends 1,000 short messages without waiting, or fewer long ones", () => {
    const { batches, posted } = open({ maxBytes: 1 << 30 });
    for (let seq = 1; seq <= 1_000; seq++) batches.addShort("", seq);
    assert.equal(posted.length, 1);
    for (let seq = 1_001; seq <= 1_100; seq++) batches.addShort("x".repeat(4_000), seq);
    assert.equal(posted.length, 2);
  });

  it("names no sequence number of a short message that is not committed [G5b]", () => {
    const { batches } = open();
    batches.add("1", 1);
    batches.addShort("[2]", 2);
    assert.deepEqual(batches.committed(1), { epoch: 1, seq: 1 });
    batches.flush();
    assert.equal(batches.committed(1), undefined);
    assert.deepEqual(batches.committed(2), { epoch: 1, seq: 2 });
  });

  it("does not mix short messages of two sessions", () => {
    const { batches, posted } = open();
    batches.addShort("[1]", 9);
    batches.newEpoch(SESSION);
    batches.add("ready", 1);
    assert.deepEqual(posted.map(({ epoch, seq }) => [epoch, seq]), [[1, 9], [2, 1]]);
  });

  it("leaves no timer after close()", () => {
    const { batches, posted, timers } = open();
    batches.add("1", 1);
    batches.add("2", 2);
    batches.skip(3);
    batches.close();
    assert.equal(posted.at(-1)!.seq, 3);
    assert.equal(timers.size, 0);
  });

  it("sends 64 dispatches without waiting", () => {
    const { batches, posted } = open();
    for (let seq = 1; seq <= 65; seq++) batches.add(`${seq}`, seq);
    assert.equal(posted.length, 2);
    assert.equal(posted[1]!.seq, 65);
  });

  it("reports unused dispatches every 30 s, or every 1,000", () => {
    const { batches, posted, pass } = open();
    batches.skip(1);
    pass(29_999);
    assert.equal(posted.length, 0);
    pass(1);
    sameData(posted, [{ number: 1, epoch: 1, seq: 1, text: "[]" }]);
    for (let seq = 2; seq <= 1_001; seq++) batches.skip(seq);
    assert.equal(posted.at(-1)!.seq, 1_001);
    batches.skip(1_002);
    assert.equal(posted.length, 2, "the count restarts");
    pass(30_000);
    assert.equal(posted.at(-1)!.seq, 1_002);
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

  it("reports the numbers of unused dispatches together with used ones", () => {
    const { batches, posted, pass } = open();
    batches.skip(1);
    batches.add("2", 2);
    sameData(posted, [{ number: 1, epoch: 1, seq: 2, text: "[2]" }]);
    batches.add("3", 3);
    batches.skip(4);
    pass(8);
    assert.equal(posted[1]!.seq, 4);
    pass(60_000);
    assert.equal(posted.length, 2, "each is reported once");
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

  for (const [what, text] of [["long", "x".repeat(4_000)], ["short", "1"]] as const) {
    it(`is full by bytes until a commit, even if the dispatches are ${what}`, () => {
      const { batches, fullness } = open({ maxBytes: 2 * (text.length + DISPATCH_OVERHEAD) });
      batches.add(text, 1);
      assert.deepEqual(fullness, []);
      batches.add(text, 2);
      assert.deepEqual(fullness, [true]);
      batches.committed(1);
      assert.deepEqual(fullness, [true, false]);
      assert.equal(batches.uncommitted, 1);
    });
  }

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
