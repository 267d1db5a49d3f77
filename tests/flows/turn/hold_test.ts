import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ALL_MS, createHold, HOLD_MS } from "../../../src/flows/turn/hold.ts";
import { channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const A = channelId("1");
const B = channelId("2");

function setUp() {
  const clock = new FakeClock();
  const world = { released: 0 };
  const hold = createHold(clock.schedule, () => world.released++);
  return { clock, world, hold };
}

describe("[G6] createHold()", () => {
  it("holds nothing before there is a gap", () => {
    assert.deepEqual(setUp().hold.held(), []);
  });

  it("holds all until the channels are known, then each until it is in", () => {
    const { hold, world, clock } = setUp();
    hold.begin();
    assert.equal(hold.held(), "all");
    hold.keep(A);
    hold.keep(B);
    assert.equal(hold.held(), "all");
    hold.narrow();
    assert.deepEqual([hold.held(), world.released], [[A, B], 1]);
    hold.release(A);
    assert.deepEqual([hold.held(), world.released], [[B], 2]);
    hold.release(A);
    assert.equal(world.released, 2, "a channel is released once");
    hold.end();
    assert.deepEqual([hold.held(), clock.pending], [[], 0]);
  });

  it("wakes nobody for a channel while all are held", () => {
    const { hold, world } = setUp();
    hold.begin();
    hold.keep(A);
    hold.release(A);
    assert.equal(world.released, 0);
  });

  it("does not hold everybody for a guild that does not come", () => {
    const { hold, world, clock } = setUp();
    hold.begin();
    hold.keep(A);
    clock.advance(ALL_MS - 1);
    assert.equal(hold.held(), "all");
    clock.advance(1);
    assert.deepEqual([hold.held(), world.released], [[A], 1]);
  });

  it("holds all until a session that is due has begun, however long its turn takes", () => {
    const { hold, clock } = setUp();
    hold.expect(true);
    clock.advance(ALL_MS + 1);
    assert.equal(hold.held(), "all");
    hold.begin();
    clock.advance(ALL_MS - 1);
    assert.equal(hold.held(), "all");
    clock.advance(1);
    assert.deepEqual(hold.held(), []);
    hold.end();
    hold.expect(true);
    clock.advance(HOLD_MS);
    assert.deepEqual([hold.held(), clock.pending], [[], 0], "but no longer than half a minute");
  });

  it("holds nobody up for longer than half a minute, over any number of lost sessions", () => {
    const { hold, world, clock } = setUp();
    for (let at = 0; at < HOLD_MS; at += 2_000) {
      hold.begin();
      hold.keep(A);
      assert.equal(hold.held(), "all");
      clock.advance(2_000);
    }
    assert.deepEqual([hold.held(), world.released], [[], 1]);
    hold.begin();
    assert.deepEqual(hold.held(), [], "not before that gap is closed");
    hold.expect(true);
    hold.begin();
    assert.equal(hold.held(), "all", "unless it is another loss");
    clock.advance(ALL_MS);
    assert.deepEqual(hold.held(), [A], "of which nobody has read yet what was said");
    clock.advance(HOLD_MS - ALL_MS);
    assert.deepEqual([hold.held(), clock.pending], [[], 0], "for half a minute again");
    hold.end();
    hold.begin();
    assert.equal(hold.held(), "all", "another gap has its own");
    hold.end();
    assert.equal(clock.pending, 0);
  });
});
