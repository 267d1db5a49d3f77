import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createTurnDelay,
  LISTING_MS,
  MAX_DELAY_MS,
} from "../../../src/flows/catch_up/turn_delay.ts";
import { channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const A = channelId("1");
const B = channelId("2");

function setUp() {
  const clock = new FakeClock();
  const world = { released: 0 };
  const delay = createTurnDelay(clock.schedule, () => world.released++);
  return { clock, world, delay };
}

describe("[G6] createTurnDelay()", () => {
  it("delays no turn before there is a gap", () => {
    assert.deepEqual(setUp().delay.delayedChannels(), []);
  });

  it("delays all turns until the channels are listed, then each channel until its history is complete", () => {
    const { delay, world, clock } = setUp();
    delay.expectGap(false);
    delay.startListing();
    assert.equal(delay.delayedChannels(), "all");
    delay.addChannel(A);
    delay.addChannel(B);
    assert.equal(delay.delayedChannels(), "all");
    delay.finishListing();
    assert.deepEqual([delay.delayedChannels(), world.released], [[A, B], 1]);
    delay.releaseChannel(A);
    assert.deepEqual([delay.delayedChannels(), world.released], [[B], 2]);
    delay.releaseChannel(A);
    assert.equal(world.released, 2, "a channel is released once");
    delay.end();
    assert.deepEqual([delay.delayedChannels(), clock.pending], [[], 0]);
  });

  it("releases no channel while all are delayed", () => {
    const { delay, world } = setUp();
    delay.expectGap(false);
    delay.startListing();
    delay.addChannel(A);
    delay.releaseChannel(A);
    assert.equal(world.released, 0);
  });

  it("does not delay all channels for a missing guild", () => {
    const { delay, world, clock } = setUp();
    delay.expectGap(false);
    delay.startListing();
    delay.addChannel(A);
    clock.advance(LISTING_MS - 1);
    assert.equal(delay.delayedChannels(), "all");
    clock.advance(1);
    assert.deepEqual([delay.delayedChannels(), world.released], [[A], 1]);
  });

  it("delays all turns until an expected session has begun, however long that takes", () => {
    const { delay, clock } = setUp();
    delay.expectGap(true);
    clock.advance(LISTING_MS + 1);
    assert.equal(delay.delayedChannels(), "all");
    delay.startListing();
    clock.advance(LISTING_MS - 1);
    assert.equal(delay.delayedChannels(), "all");
    clock.advance(1);
    assert.deepEqual(delay.delayedChannels(), []);
    delay.end();
    delay.expectGap(true);
    clock.advance(MAX_DELAY_MS);
    assert.deepEqual(
      [delay.delayedChannels(), clock.pending],
      [[], 0],
      "but no longer than half a minute",
    );
  });

  it("delays no turn for longer than half a minute, over any number of lost sessions", () => {
    const { delay, world, clock } = setUp();
    for (let at = 0; at < MAX_DELAY_MS; at += 2_000) {
      delay.expectGap(false);
      delay.startListing();
      delay.addChannel(A);
      assert.equal(delay.delayedChannels(), "all");
      clock.advance(2_000);
    }
    assert.deepEqual([delay.delayedChannels(), world.released], [[], 1]);
    delay.expectGap(false);
    delay.startListing();
    assert.deepEqual(delay.delayedChannels(), [], "not before that gap is closed");
    delay.expectGap(true);
    delay.startListing();
    assert.equal(delay.delayedChannels(), "all", "unless it is another loss");
    clock.advance(LISTING_MS);
    assert.deepEqual(delay.delayedChannels(), [A], "whose history is not complete");
    clock.advance(MAX_DELAY_MS - LISTING_MS);
    assert.deepEqual([delay.delayedChannels(), clock.pending], [[], 0], "for half a minute again");
    delay.end();
    delay.expectGap(false);
    delay.startListing();
    assert.equal(delay.delayedChannels(), "all", "another gap has its own");
    delay.end();
    assert.equal(clock.pending, 0);
  });
});
