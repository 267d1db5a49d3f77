import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identifyDelays, spaceIdentifies } from "../../../../src/discord/gateway/shard/serve.ts";
import type { ShardStart } from "../../../../src/discord/gateway/link/protocol.ts";

function shard(id: number, fields: Partial<ShardStart> = {}): ShardStart {
  return {
    id,
    identifyInMs: 0,
    epoch: 0,
    failures: 0,
    isDown: false,
    mustSendPresence: false,
    ...fields,
  };
}

const SESSION = { sessionId: "s", resumeUrl: "r", seq: 1 };
const waits = (shards: readonly ShardStart[]) => shards.map(({ identifyInMs }) => identifyInMs);

describe("[G5] spaceIdentifies()", () => {
  it("delays shards of one key so that they identify one after the other", () => {
    const shards = [shard(0), shard(1), shard(2), shard(3)];
    assert.deepEqual(waits(spaceIdentifies(shards, 1)), [0, 6_000, 12_000, 18_000]);
    assert.deepEqual(waits(spaceIdentifies(shards, 2)), [0, 0, 6_000, 6_000]);
    assert.deepEqual(waits(spaceIdentifies(shards, 16)), [0, 0, 0, 0]);
  });

  it("starts from the main thread's delays, and never shortens one", () => {
    const shards = [shard(0, { identifyInMs: 3_000 }), shard(1, { identifyInMs: 3_000 })];
    assert.deepEqual(waits(spaceIdentifies(shards, 1)), [3_000, 9_000]);
    const later = [shard(0), shard(1, { identifyInMs: 60_000 }), shard(2)];
    assert.deepEqual(waits(spaceIdentifies(later, 1)), [0, 60_000, 66_000]);
  });

  it("does not delay shards that resume", () => {
    const shards = [shard(0), shard(1, { session: SESSION }), shard(2)];
    assert.deepEqual(waits(spaceIdentifies(shards, 1)), [0, 0, 6_000]);
  });
});

describe("[G5] identifyDelays()", () => {
  const wants = (id: number, wantsIdentify = true) => ({ id, wantsIdentify });

  it("delays shards of the same key, one after the other, but not the shard itself", () => {
    const shards = [wants(0), wants(1), wants(2), wants(3)];
    assert.deepEqual([...identifyDelays(1, shards, 1)], [[0, 6_000], [2, 12_000], [3, 18_000]]);
    assert.deepEqual([...identifyDelays(1, shards, 2)], [[3, 6_000]]);
    assert.deepEqual([...identifyDelays(1, shards, 16)], []);
  });

  it("delays shards that do not identify, too, but leaves no gap for them", () => {
    const shards = [wants(0, false), wants(1), wants(2, false), wants(3)];
    assert.deepEqual([...identifyDelays(1, shards, 1)], [[0, 6_000], [2, 6_000], [3, 6_000]]);
  });
});
