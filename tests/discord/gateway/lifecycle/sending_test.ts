import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  answerBeatRequest,
  recordBeat,
  startHeartbeat,
} from "../../../../src/discord/gateway/lifecycle/sending.ts";
import type { HeartbeatState } from "../../../../src/discord/gateway/lifecycle/state.ts";

describe("[G2] startHeartbeat()", () => {
  it("sends the first heartbeat after a random part of the interval", () => {
    assert.equal(startHeartbeat(40_000, 1_000, 0).dueMs, 1_000);
    assert.equal(startHeartbeat(40_000, 1_000, 0.25).dueMs, 11_000);
  });
});

describe("[G2] recordBeat()", () => {
  it("waits for its ACK, and does not accumulate lateness", () => {
    const after = recordBeat(startHeartbeat(40_000, 0, 0.5), 20_030);
    assert.deepEqual([after.lateMs, after.isAcked, after.dueMs], [30, false, 60_000]);
  });
});

/** Requests heartbeats at these times; counts sent heartbeats and reported floods. */
function ask(
  times: readonly number[],
): { readonly sentAt: readonly number[]; readonly floods: number } {
  let heartbeat: HeartbeatState = startHeartbeat(40_000, 0, 0.5);
  const sentAt: number[] = [];
  let floods = 0;
  for (const at of times) {
    const step = answerBeatRequest(heartbeat, at);
    heartbeat = step.heartbeat;
    for (const { kind } of step.effects) {
      if (kind === "heartbeat") sentAt.push(at);
      else floods++;
    }
  }
  return { sentAt, floods };
}

describe("[G1] answerBeatRequest()", () => {
  it("answers at once, and keeps the time of the next heartbeat", () => {
    const heartbeat = startHeartbeat(40_000, 0, 0.5);
    const step = answerBeatRequest(heartbeat, 5);
    assert.deepEqual(step.effects, [{ kind: "heartbeat" }]);
    assert.deepEqual([step.heartbeat.dueMs, step.heartbeat.isAcked], [heartbeat.dueMs, true]);
  });

  it("stays below Discord's 120 payloads in any minute of a flood, and keeps answering", () => {
    const { sentAt, floods } = ask(Array.from({ length: 30_000 }, (_, i) => 30_000 + i * 10));
    for (const at of sentAt) {
      const inMinute = sentAt.filter((other) => other >= at && other < at + 60_000).length;
      assert.ok(inMinute <= 100, `${inMinute} in a minute`);
    }
    assert.equal(sentAt.length, 5 * 50);
    assert.equal(floods, 5, "reported once a minute");
  });

  it("answers each of a few requests", () => {
    const { sentAt, floods } = ask(Array.from({ length: 200 }, (_, i) => i * 2_000));
    assert.deepEqual([sentAt.length, floods], [200, 0]);
  });
});
