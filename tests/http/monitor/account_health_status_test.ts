import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccountHealth, statusOf } from "../../../src/http/monitor/account_health.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = 1_750_000_000_000;
type Shards = ReturnType<AccountHealth["snapshot"]>["shards"];

const facts = (shards: readonly object[], model?: object) =>
  statusOf(
    {
      snapshot: () => ({ shards: shards as unknown as Shards }) as never,
      model: () => model as never,
    },
    "1.2.3",
    NOW,
  );

describe("[K2] statusOf()", () => {
  it("counts online time from the oldest ready shard, and shows the highest latency", () => {
    const shards = [
      { state: "ready", readyAt: NOW - 10, ack: { latencyMs: 40 } },
      { state: "ready", readyAt: NOW - 50, ack: { latencyMs: 90 } },
      { state: "backoff", readyAt: NOW - 99, ack: { latencyMs: 999 } },
    ];
    assert.deepEqual(facts(shards, { id: "a/b", openAt: NOW - 5 }), {
      version: "1.2.3",
      modelId: "a/b",
      modelFailsSince: NOW - 5,
      readyAt: NOW - 50,
      latencyMs: 90,
    });
  });

  it("has no latency before the first heartbeat, and no model before the account runs", () => {
    sameData(facts([{ state: "ready", readyAt: NOW - 10 }]), {
      version: "1.2.3",
      modelId: "none",
      readyAt: NOW - 10,
    });
    assert.equal(facts([]).readyAt, NOW);
  });
});
