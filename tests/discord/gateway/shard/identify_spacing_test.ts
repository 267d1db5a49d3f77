import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  identifyDelays,
  spaceIdentifies,
} from "../../../../src/discord/gateway/shard/identify_spacing.ts";
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

describe("[G5] takeTurns()", () => {
  it("has shards of one key identify one after the other", () => {
    const shards = [shard(0), shard(1), shard(2), shard(3)];
    assert.deepEqual(waits(spaceIdentifies(shards, 1)), [0, 6_000, 12_000, 18_000]);
    assert.deepEqual(waits(spaceIdentifies(shards, 2)), [0, 0, 6_000, 6_000]);
    assert.deepEqual(waits(spaceIdentifies(shards, 16)), [0, 0, 0, 0]);
  });

  it("counts from what main reckons, and never makes a wait shorter", () => {
    const shards = [shard(0, { identifyInMs: 3_000 }), shard(1, { identifyInMs: 3_000 })];
    assert.deepEqual(waits(spaceIdentifies(shards, 1)), [3_000, 9_000]);
    const later = [shard(0), shard(1, { identifyInMs: 60_000 }), shard(2)];
    assert.deepEqual(waits(spaceIdentifies(later, 1)), [0, 60_000, 66_000]);
  });

  it("takes no turn for those that resume", () => {
    const shards = [shard(0), shard(1, { session: SESSION }), shard(2)];
    assert.deepEqual(waits(spaceIdentifies(shards, 1)), [0, 0, 6_000]);
  });
});

describe("[G5] holdsAfter()", () => {
  const wants = (id: number, wantsIdentify = true) => ({ id, wantsIdentify });

  it("holds those of the same key back, one after the other, and not the one itself", () => {
    const shards = [wants(0), wants(1), wants(2), wants(3)];
    assert.deepEqual([...identifyDelays(1, shards, 1)], [[0, 6_000], [2, 12_000], [3, 18_000]]);
    assert.deepEqual([...identifyDelays(1, shards, 2)], [[3, 6_000]]);
    assert.deepEqual([...identifyDelays(1, shards, 16)], []);
  });

  it("gives no turn to those that want none, and yet holds them back", () => {
    const shards = [wants(0, false), wants(1), wants(2, false), wants(3)];
    assert.deepEqual([...identifyDelays(1, shards, 1)], [[0, 6_000], [2, 6_000], [3, 6_000]]);
  });
});
