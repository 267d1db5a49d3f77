import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPosition } from "../../../src/discord/gateway/position.ts";

const SHARD = {
  id: 0,
  identifyInMs: 0,
  epoch: 3,
  failures: 0,
  isDown: false,
  mustSendPresence: false,
};
const SESSION = { sessionId: "s", resumeUrl: "r", seq: 40 };

describe("[G5] createPosition()", () => {
  it("tells Discord of nothing that is not on the disk", () => {
    const position = createPosition({ ...SHARD, session: SESSION, seqDurable: 30 });
    assert.deepEqual([position.received, position.resumeFrom, position.durable], [40, 30, 30]);
    position.receive(50);
    assert.deepEqual([position.resumeFrom, position.durable], [30, 30]);
    position.wasWritten({ epoch: 3, seq: 44 });
    assert.deepEqual([position.received, position.resumeFrom, position.durable], [50, 44, 44]);
  });

  it("begins anew with READY: RESUME goes from there, and a beat says nothing", () => {
    const position = createPosition({ ...SHARD, session: SESSION, seqDurable: 40 });
    position.begin(1);
    assert.deepEqual([position.received, position.resumeFrom, position.durable], [1, 1, undefined]);
    position.wasWritten({ epoch: 3, seq: 99 });
    assert.deepEqual([position.resumeFrom, position.durable], [1, undefined], "of the one before");
    position.wasWritten({ epoch: 4, seq: 2 });
    assert.deepEqual([position.resumeFrom, position.durable], [2, 2]);
  });

  it("never goes back", () => {
    const position = createPosition({ ...SHARD, session: SESSION, seqDurable: 40 });
    position.receive(7);
    position.wasWritten({ epoch: 3, seq: 7 });
    assert.deepEqual([position.received, position.resumeFrom, position.durable], [40, 40, 40]);
  });
});
