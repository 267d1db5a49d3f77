import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import { createStaleChannels } from "../../../src/flows/deliver/deliver.ts";
import { channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const A = channelId("1");
const B = channelId("2");
const C = channelId("3");

function setUp() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const world = { failures: 0, prepareFailures: 0, prepared: 0 };
  const reads: ("all" | readonly ChannelId[])[] = [];
  /** Ends the running reading. */
  const ends: (() => void)[] = [];
  const stale = createStaleChannels({ schedule: clock.schedule, log }, {
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
});
