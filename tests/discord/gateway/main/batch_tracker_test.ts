import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batch } from "../../../../src/discord/gateway/link/batches.ts";
import { createBatchTracker } from "../../../../src/discord/gateway/main/thread.ts";

const SESSION = { sessionId: "s", resumeUrl: "r", seq: 1 };

function batch(fields: Partial<Batch> = {}): Batch {
  return { number: 1, epoch: 1, seq: 1, text: "[]", ...fields };
}

/** Two shards; the second has a stored session. */
function begin() {
  return createBatchTracker([
    { id: 0, identifyInMs: 0 },
    { id: 1, identifyInMs: 0, session: { ...SESSION, sessionId: "old", seq: 40 } },
  ]);
}

describe("[G5] createBatchTracker()", () => {
  it("numbers the tickets over all shards and workers, in order of arrival", () => {
    const batches = begin();
    const tickets = [
      batches.receive(batch({ session: SESSION }), 0, 1),
      batches.receive(batch({ epoch: 0, seq: 41 }), 1, 1),
      batches.receive(batch({ seq: 2 }), 0, 2),
    ].map(({ ticket, shardId }) => [ticket, shardId]);
    assert.deepEqual(tickets, [[1, 0], [2, 1], [3, 0]]);
  });

  it("returns each shard's last committed batch of the current worker", () => {
    const batches = begin();
    batches.receive(batch({ session: SESSION }), 0, 1);
    batches.receive(batch({ number: 1, seq: 2 }), 0, 2);
    batches.receive(batch({ number: 2, seq: 3 }), 0, 2);
    batches.receive(batch({ number: 1, epoch: 0, seq: 41 }), 1, 2);
    assert.deepEqual(batches.committed(4, 2), [
      { kind: "committed", shardId: 0, number: 2 },
      { kind: "committed", shardId: 1, number: 1 },
    ]);
    assert.deepEqual([...batches.seqCommitted()], [[0, 3], [1, 41]]);
    assert.equal(batches.uncommitted, 0);
  });

  it("[G5b] knows the last received number, committed or not, so that it counts once", () => {
    const batches = begin();
    batches.receive(batch({ session: SESSION }), 0, 1);
    batches.receive(batch({ number: 2, seq: 7 }), 0, 1);
    batches.committed(1, 1);
    const resumePoint = batches.resumePointOf(0);
    assert.deepEqual(
      [resumePoint.session?.seq, resumePoint.seqCommitted, resumePoint.seqReceived],
      [1, 1, 7],
    );
    assert.equal(
      batches.resumePointOf(1).seqReceived,
      undefined,
      "nothing was received in this process",
    );
  });

  it("[G5b] remembers a session's hole until another session begins", () => {
    const batches = begin();
    batches.receive(batch({ epoch: 0, seq: 99, afterHole: true }), 1, 1);
    batches.committed(1, 1);
    assert.deepEqual(batches.resumePointOf(1).session, {
      ...SESSION,
      sessionId: "old",
      seq: 99,
      hasHole: true,
    });
    batches.receive(batch({ number: 2, session: SESSION }), 1, 1);
    assert.deepEqual(batches.resumePointOf(1).session, SESSION);
  });

  it("[G16] remembers that a session lacks an event that could not be read", () => {
    const batches = begin();
    batches.lacksEvent(1);
    batches.lacksEvent(0); // without a session
    assert.equal(batches.resumePointOf(1).session?.hasHole, true);
    assert.equal(batches.resumePointOf(0).session, undefined);
  });

  it("resumes a stored session, and marks it as inherited", () => {
    const resumePoint = begin().resumePointOf(1);
    assert.deepEqual(
      [resumePoint.session?.seq, resumePoint.seqCommitted, resumePoint.isInherited],
      [40, 40, true],
    );
    assert.deepEqual(begin().resumePointOf(0), { epoch: 0, isInherited: false });
  });

  it("restarts with a session: commits of earlier sessions do not count for it", () => {
    const batches = begin();
    batches.receive(batch({ epoch: 0, seq: 50 }), 1, 1);
    batches.receive(batch({ epoch: 1, seq: 1, session: SESSION }), 1, 1);
    batches.committed(1, 1);
    const anew = { session: SESSION, epoch: 1, seqReceived: 1, isInherited: false };
    assert.deepEqual(batches.resumePointOf(1), anew);
    batches.committed(2, 1);
    assert.equal(batches.resumePointOf(1).seqCommitted, 1);
  });

  it("never goes back if a worker sends an earlier worker's dispatches again", () => {
    const batches = begin();
    batches.receive(batch({ session: SESSION }), 0, 1);
    batches.receive(batch({ number: 2, seq: 9 }), 0, 1);
    batches.committed(2, 1);
    batches.receive(batch({ number: 1, seq: 5 }), 0, 2);
    batches.committed(3, 2);
    const resumePoint = batches.resumePointOf(0);
    assert.deepEqual(
      [resumePoint.session?.seq, resumePoint.seqCommitted, resumePoint.seqReceived],
      [9, 9, 9],
    );
  });
});
