import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  partitionOf,
  shardOf,
  shardsFor,
  shardsOf,
  WHOLE,
} from "../../../src/core/discord/partition.ts";
import type { GuildId } from "../../../src/core/discord/ids.ts";
import { cases } from "../../support/long_form.ts";

describe("partitions of a bot", () => {
  it("[O16] a bot of one partition has the shards that Discord recommends", () => {
    assert.equal(shardsFor(3, WHOLE), 3);
    assert.deepEqual(shardsOf(WHOLE, 3), [0, 1, 2]);
  });

  it("[O16] keep each guild, whatever number of shards Discord recommends", () => {
    const guild = fc.bigInt({ min: 1n << 22n, max: (1n << 63n) - 1n }).map((id) =>
      `${id}` as GuildId
    );
    const wanted = fc.integer({ min: 1, max: 200 });
    const counts = fc.integer({ min: 1, max: 64 });
    fc.assert(
      fc.property(guild, wanted, wanted, counts, (guildId, now, later, count) => {
        const partitionIn = (recommended: number): number => {
          const shardCount = shardsFor(recommended, { count });
          assert.ok(shardCount >= recommended && shardCount % count === 0);
          const shard = shardOf(guildId, shardCount);
          const homes = Array.from({ length: count }, (_, index) => index).filter((index) =>
            shardsOf({ index, count }, shardCount).includes(shard)
          );
          assert.equal(homes.length, 1);
          return homes[0] ?? -1;
        };
        assert.equal(partitionIn(now), partitionIn(later));
        assert.equal(partitionOf(guildId, { count }), partitionIn(now));
        assert.equal(partitionOf(undefined, { count }), 0);
      }),
      { numRuns: cases(100, 5_000) },
    );
  });
});
