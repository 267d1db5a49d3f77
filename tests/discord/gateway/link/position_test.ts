import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPosition } from "../../../../src/discord/gateway/link/protocol.ts";

const START = {
  identifyInMs: 0,
  epoch: 3,
  failures: 0,
  isDown: false,
  mustSendPresence: false,
};
const SESSION = { sessionId: "s", resumeUrl: "r", seq: 40 };
const STORED = { ...START, session: SESSION, seqCommitted: 40 };

describe("[G5b] createPosition()", () => {
  it("names the committed number, and not the received one", () => {
    const position = createPosition(STORED);
    position.receive(50);
    assert.deepEqual([position.received, position.committed, position.resume()], [50, 40, 40]);
    position.wasCommitted({ epoch: 3, seq: 44 });
    assert.deepEqual([position.received, position.committed, position.resume()], [50, 44, 44]);
  });

  it("restarts with READY: RESUME names READY's number, and a heartbeat none", () => {
    const position = createPosition(STORED);
    position.begin(1);
    assert.deepEqual([position.received, position.committed, position.resume()], [1, undefined, 1]);
    position.wasCommitted({ epoch: 3, seq: 99 });
    assert.deepEqual([position.committed, position.resume()], [undefined, 1]);
    position.wasCommitted({ epoch: 4, seq: 2 });
    assert.deepEqual([position.committed, position.resume()], [2, 2]);
  });

  it("never goes back", () => {
    const position = createPosition(STORED);
    position.receive(7);
    position.wasCommitted({ epoch: 3, seq: 7 });
    assert.deepEqual([position.received, position.committed], [40, 40]);
  });

  it("continues from a dead worker's commit, and knows what the main thread received", () => {
    const position = createPosition({ ...STORED, seqReceived: 45 });
    assert.deepEqual([position.received, position.resume()], [45, 40]);
  });

  const rows: readonly (readonly [string, number, boolean])[] = [
    ["the next dispatch", 41, false],
    ["an older dispatch", 40, false],
    ["a dispatch with one missing before it", 42, true],
    ["a much later dispatch", 4_000, true],
  ];
  for (const [title, seq, isHole] of rows) {
    it(`${isHole ? "detects a hole" : "detects no hole"} if RESUME is followed by ${title}`, () => {
      const position = createPosition(STORED);
      position.resume();
      assert.equal(position.leavesHole(seq), isHole);
    });
  }

  it("checks only the first dispatch after a RESUME", () => {
    const position = createPosition(STORED);
    assert.equal(position.leavesHole(99), false, "no RESUME was sent");
    position.resume();
    position.leavesHole(41);
    assert.equal(position.leavesHole(99), false);
    position.resume();
    position.begin(1);
    assert.equal(position.leavesHole(99), false, "a new session");
  });
});
