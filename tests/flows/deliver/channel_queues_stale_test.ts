import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import { createStaleChannels } from "../../../src/flows/deliver/channel_queues.ts";
import { channelId } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/account.ts";
import { settle } from "../../support/settle.ts";

const A = channelId("1");
const B = channelId("2");
const C = channelId("3");

function setUp() {
  const { account, clock, lines } = testAccount();
  const world = { failures: 0, prepareFailures: 0, prepared: 0 };
  const reads: ("all" | readonly ChannelId[])[] = [];
  /** Ends the running reading. */
  const ends: (() => void)[] = [];
  const stale = createStaleChannels(account, {
    prepare() {
      world.prepared++;
      return world.prepareFailures-- > 0 ? Promise.reject(new Error("disk")) : Promise.resolve();
    },
    read(channels) {
      reads.push(channels ?? "all");
      if (world.failures-- > 0) return Promise.reject(new Error("disk"));
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(resolve);
      return promise;
    },
  });
  async function endReading(): Promise<void> {
    ends.shift()?.();
    await settle();
  }
  return { clock, ends, endReading, lines, reads, stale, world };
}

describe("createStaleChannels()", () => {
  it("collects requests while a reading runs, and reads them at once", async () => {
    const { endReading, reads, stale } = setUp();
    stale.wake([A]);
    await settle();
    stale.wake([B]);
    stale.wake([C]);
    stale.wake([B]);
    await settle();
    assert.deepEqual(reads, [[A]]);
    await endReading();
    assert.deepEqual(reads, [[A], [B, C]]);
    await endReading();
    assert.deepEqual([reads.length, stale.reading()], [2, undefined]);
  });

  it("reads all channels if any request asks for all", async () => {
    const { endReading, reads, stale } = setUp();
    stale.wake([A]);
    await settle();
    stale.wake([B]);
    stale.wake();
    await endReading();
    assert.deepEqual(reads, [[A], "all"]);
  });

  it("reads nothing for an empty request", async () => {
    const { reads, stale } = setUp();
    stale.wake([]);
    await settle();
    assert.deepEqual([reads, stale.reading()], [[], undefined]);
  });

  it("reads all channels five seconds after a failed reading", async () => {
    const { clock, lines, reads, stale, world } = setUp();
    world.failures = 1;
    stale.wake([A]);
    await settle();
    clock.advance(4_999);
    await settle();
    assert.deepEqual([reads, lines.length], [[[A]], 1]);
    clock.advance(1);
    await settle();
    assert.deepEqual(reads, [[A], "all"]);
  });

  it("prepares until it has succeeded once, and keeps the requests", async () => {
    const { endReading, reads, stale, world } = setUp();
    world.prepareFailures = 1;
    stale.wake([A]);
    await settle();
    assert.deepEqual([reads, world.prepared], [[], 1]);
    stale.wake([B]);
    await settle();
    assert.deepEqual([reads, world.prepared], [[[A, B]], 2]);
    await endReading();
    stale.wake([C]);
    await settle();
    assert.deepEqual([reads.length, world.prepared], [2, 2]);
  });

  it("begins no reading after stop, nor the one after a failure", async () => {
    const { clock, endReading, reads, stale } = setUp();
    stale.wake([A]);
    await settle();
    stale.wake([B]);
    stale.stop();
    await endReading();
    stale.wake();
    clock.advance(60_000);
    await settle();
    assert.deepEqual(reads, [[A]]);
    const other = setUp();
    other.world.failures = 1;
    other.stale.wake([A]);
    await settle();
    other.stale.stop();
    assert.equal(other.clock.pending, 0);
    other.clock.advance(60_000);
    await settle();
    assert.deepEqual(other.reads, [[A]]);
  });
});
