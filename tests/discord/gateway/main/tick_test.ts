import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTick } from "../../../../src/discord/gateway/main/supervisor.ts";

describe("[G1] createTick()", () => {
  it("starts with the time of its creation, and then has the worker's", () => {
    const tick = createTick(5);
    assert.equal(tick.at(), 5);
    Atomics.store(new BigInt64Array(tick.buffer), 0, 9n);
    assert.equal(tick.at(), 9);
  });

  it("is stalled after two checks in a row without a tick", () => {
    const tick = createTick(1);
    const counter = new BigInt64Array(tick.buffer);
    assert.equal(tick.isStalled(), false); // the first check only reads
    assert.equal(tick.isStalled(), false);
    Atomics.store(counter, 0, 2n);
    assert.equal(tick.isStalled(), false);
    assert.equal(tick.isStalled(), false);
    assert.equal(tick.isStalled(), true);
  });

  it("restarts its checks for another worker", () => {
    const tick = createTick(1);
    for (let checkWorker = 0; checkWorker < 3; checkWorker++) tick.isStalled();
    tick.begin();
    assert.equal(tick.isStalled(), false);
    assert.equal(tick.isStalled(), true);
  });
});
