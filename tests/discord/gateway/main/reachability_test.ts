import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReachability } from "../../../../src/discord/gateway/main/online.ts";

describe("[D5] createReachability()", () => {
  it("reports a shard that becomes ready, and none that stays ready", () => {
    let times = 0;
    const note = createReachability(() => times++);
    note(0, { state: "connecting" });
    assert.equal(times, 0);
    for (let heartbeat = 0; heartbeat < 5; heartbeat++) note(0, { state: "ready" });
    assert.equal(times, 1);
    note(0, { state: "backoff" });
    note(0, { state: "resuming" });
    note(0, { state: "ready" });
    assert.equal(times, 2);
  });

  it("follows each shard", () => {
    let times = 0;
    const note = createReachability(() => times++);
    note(0, { state: "ready" });
    note(1, { state: "ready" });
    note(0, { state: "ready" });
    assert.equal(times, 2);
  });
});
