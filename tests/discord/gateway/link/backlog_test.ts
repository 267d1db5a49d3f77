import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBacklog } from "../../../../src/discord/gateway/link/batches.ts";

function open(maxBytes: number) {
  const fullness: boolean[] = [];
  const backlog = createBacklog(maxBytes, (isFull) => void fullness.push(isFull));
  return { backlog, fullness };
}

const sent = (number: number, count: number, bytes: number) => ({
  number,
  count,
  bytes,
  epoch: 1,
  seq: 10 * number,
});

describe("[G1] createBacklog()", () => {
  it("is full from its bound on, and reports each change once", () => {
    const { backlog, fullness } = open(100);
    backlog.add(99);
    assert.deepEqual([backlog.isFull, fullness], [false, []]);
    backlog.add(1);
    backlog.add(1);
    assert.deepEqual([backlog.isFull, fullness, backlog.uncommitted], [true, [true], 3]);
    backlog.sent(sent(1, 3, 101));
    assert.deepEqual(backlog.committed(1), { epoch: 1, seq: 10 });
    assert.deepEqual([backlog.isFull, fullness, backlog.uncommitted], [false, [true, false], 0]);
  });

  it("counts a commit for all earlier batches, once", () => {
    const { backlog } = open(100);
    for (const number of [1, 2, 3]) {
      backlog.add(1);
      backlog.sent(sent(number, 1, 1));
    }
    assert.deepEqual(backlog.committed(2), { epoch: 1, seq: 20 });
    assert.equal(backlog.committed(2), undefined);
    assert.deepEqual([backlog.uncommitted, backlog.isEmpty], [1, false]);
    backlog.committed(3);
    assert.equal(backlog.isEmpty, true);
  });

  it("counts dispatches that are not sent yet, even if every batch is committed", () => {
    const { backlog } = open(100);
    backlog.add(1);
    backlog.sent(sent(1, 1, 1));
    backlog.add(1);
    backlog.committed(1);
    assert.deepEqual([backlog.uncommitted, backlog.isEmpty], [1, true]);
  });
});
