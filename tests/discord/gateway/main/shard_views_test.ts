import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SPACING_MS } from "../../../../src/core/discord/identify_budget.ts";
import { DOWN_IDENTIFY_SPACING_MS } from "../../../../src/discord/gateway/lifecycle/state.ts";
import type { ShardState } from "../../../../src/core/discord/gateway.ts";
import { createShardViews } from "../../../../src/discord/gateway/main/shard_views.ts";

const READY: ShardState = { state: "ready", readyAt: 50, isDown: false };
const NO_SESSION = () => ({ epoch: 0, isInherited: false });
const ASK = { generation: 1, socket: 3 };

/** Two shards at the time 10, and their reported states. */
function open() {
  const clock = { now: 10 };
  const states: [number, ShardState][] = [];
  const shards = [{ id: 0, identifyInMs: 7 }, { id: 1, identifyInMs: 8 }];
  const views = createShardViews(
    shards,
    () => clock.now,
    (id, state) => void states.push([id, state]),
  );
  const identifyInMs = () => views.starts(NO_SESSION, false).map((start) => start.identifyInMs);
  return { clock, states, views, identifyInMs };
}

describe("[G5] createShardViews()", () => {
  it("keeps the time at which a shard was last ready, also when another worker starts", () => {
    const { clock, states, views } = open();
    views.setState(0, READY, 0);
    clock.now = 90_000; // it was ready until now
    views.setState(0, { ...READY, state: "backoff" }, 1);
    clock.now += 5;
    views.setState(0, { state: "connecting", readyAt: 90_003, isDown: true }, 2);
    assert.deepEqual(states, [
      [0, READY],
      [0, { state: "backoff", readyAt: 90_000, isDown: false }],
      [0, { state: "connecting", readyAt: 90_000, isDown: true }],
    ]);
    assert.equal(views.has(2), false);
  });

  it("drops heartbeats and waits when no worker runs", () => {
    const { clock, states, views } = open();
    views.setState(1, { ...READY, ack: { at: 51, intervalMs: 9 }, waits: "spacing" }, 0);
    states.length = 0;
    clock.now = 60;
    views.workerDown();
    assert.deepEqual(states, [
      [0, { state: "connecting", readyAt: 10, isDown: false }],
      [1, { state: "connecting", readyAt: 60, isDown: false }],
    ]);
  });

  it("ends all other shards with one", () => {
    const { states, views } = open();
    views.ended(0);
    assert.deepEqual(states, [[1, { state: "fatal", readyAt: 10, isDown: false }]]);
  });

  it("starts the first worker from the plan, and later ones from the granted IDENTIFYs", () => {
    const { clock, views, identifyInMs } = open();
    assert.deepEqual(views.starts(NO_SESSION, true).map((start) => start.identifyInMs), [7, 8]);
    views.permitRequested(1, ASK);
    views.permitAnswered(1, { kind: "granted" });
    clock.now += 1_000;
    assert.deepEqual(identifyInMs(), [0, SPACING_MS - 1_000]);
    views.setState(1, { state: "backoff", readyAt: 10, isDown: true }, 9);
    assert.deepEqual(identifyInMs(), [0, DOWN_IDENTIFY_SPACING_MS - 1_000]);
    clock.now -= 500_000; // the clock was set back
    assert.deepEqual(identifyInMs(), [0, DOWN_IDENTIFY_SPACING_MS]);
  });

  it("returns the permit requests in their order", () => {
    const { views, identifyInMs } = open();
    views.permitRequested(0, ASK);
    views.permitRequested(0, { ...ASK, socket: 4 });
    const wait = { kind: "wait", waitMs: 1, why: "spacing" } as const;
    assert.deepEqual(views.permitAnswered(0, wait), ASK);
    assert.equal(views.permitAnswered(0, wait)?.socket, 4);
    assert.equal(views.permitAnswered(0, { kind: "granted" }), undefined);
    assert.deepEqual(identifyInMs(), [0, 0], "an answer without a request grants nothing");
  });
});
