import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batch } from "../../../src/discord/gateway/batches.ts";
import { createLedger } from "../../../src/discord/gateway/ledger.ts";

const SESSION = { sessionId: "s", resumeUrl: "r", seq: 1 };

function batch(fields: Partial<Batch> = {}): Batch {
  return { number: 1, epoch: 1, seq: 1, text: "[]", ...fields };
}

/** Two shards; of the second a session of before is known. */
function begin() {
  return createLedger([
    { id: 0, identifyInMs: 0 },
    { id: 1, identifyInMs: 0, session: { ...SESSION, sessionId: "old", seq: 40 } },
  ]);
}

describe("[G5] createLedger()", () => {
  it("gives tickets over all shards and workers, in the order of their coming", () => {
    const ledger = begin();
    const tickets = [
      ledger.take(batch({ session: SESSION }), 0, 1),
      ledger.take(batch({ epoch: 0, seq: 41 }), 1, 1),
      ledger.take(batch({ seq: 2 }), 0, 2),
    ].map(({ ticket, shardId }) => [ticket, shardId]);
    assert.deepEqual(tickets, [[1, 0], [2, 1], [3, 0]]);
  });

  it("tells each shard's last committed batch, of the worker there is", () => {
    const ledger = begin();
    ledger.take(batch({ session: SESSION }), 0, 1);
    ledger.take(batch({ number: 1, seq: 2 }), 0, 2);
    ledger.take(batch({ number: 2, seq: 3 }), 0, 2);
    ledger.take(batch({ number: 1, epoch: 0, seq: 41 }), 1, 2);
    assert.deepEqual(ledger.committed(4, 2), [
      { kind: "committed", shardId: 0, number: 2 },
      { kind: "committed", shardId: 1, number: 1 },
    ]);
    assert.deepEqual([...ledger.seqCommitted()], [[0, 3], [1, 41]]);
    assert.equal(ledger.uncommitted, 0);
  });

  it("says of a shard nothing as written that is not both committed and on the disk", () => {
    const ledger = begin();
    ledger.take(batch({ session: SESSION }), 0, 1);
    ledger.take(batch({ number: 2, seq: 2 }), 0, 1);
    ledger.take(batch({ number: 3, seq: 3 }), 0, 1);
    assert.deepEqual(ledger.durable(3), [], "nothing is committed yet");
    ledger.committed(2, 1);
    assert.deepEqual(ledger.durable(1), [{ kind: "durable", shardId: 0, epoch: 1, seq: 1 }]);
    assert.deepEqual(ledger.durable(99), [{ kind: "durable", shardId: 0, epoch: 1, seq: 2 }]);
    ledger.committed(3, 1);
    assert.equal(ledger.placeOf(0).seqDurable, 2, "what is committed later is not on the disk");
    assert.deepEqual(ledger.durable(3), [{ kind: "durable", shardId: 0, epoch: 1, seq: 3 }]);
    assert.deepEqual(ledger.durable(3), []);
  });

  it("resumes a session of before from what was stored, and calls it inherited", () => {
    const place = begin().placeOf(1);
    assert.deepEqual([place.session?.seq, place.seqDurable, place.isInherited], [40, 40, true]);
    assert.deepEqual(begin().placeOf(0), { epoch: 0, isInherited: false });
  });

  it("begins anew with a session: nothing of the one before counts for it", () => {
    const ledger = begin();
    ledger.take(batch({ epoch: 0, seq: 50 }), 1, 1);
    ledger.take(batch({ epoch: 1, seq: 1, session: SESSION }), 1, 1);
    ledger.committed(1, 1);
    assert.deepEqual(ledger.placeOf(1), { session: SESSION, epoch: 1, isInherited: false });
    assert.deepEqual(ledger.durable(1), [], "of the session before");
    ledger.committed(2, 1);
    assert.equal(ledger.placeOf(1).seqCommitted, 1);
  });

  it("calls nothing of the new session durable that was written of the one before", () => {
    const ledger = begin();
    ledger.take(batch({ epoch: 0, seq: 50 }), 1, 1);
    ledger.committed(1, 1);
    ledger.take(batch({ epoch: 1, seq: 1, session: SESSION }), 1, 1);
    assert.deepEqual(ledger.durable(1), []);
    assert.equal(ledger.placeOf(1).seqDurable, undefined);
  });

  it("never goes back, where a worker brings again what another has brought", () => {
    const ledger = begin();
    ledger.take(batch({ session: SESSION }), 0, 1);
    ledger.take(batch({ number: 2, seq: 9 }), 0, 1);
    ledger.committed(2, 1);
    ledger.durable(2);
    ledger.take(batch({ number: 1, seq: 5 }), 0, 2);
    ledger.committed(3, 2);
    const place = ledger.placeOf(0);
    assert.deepEqual([place.session?.seq, place.seqCommitted], [9, 9]);
    assert.deepEqual(ledger.durable(3), [{ kind: "durable", shardId: 0, epoch: 1, seq: 9 }]);
  });
});
