import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProcessMemory } from "../../src/flows/process_memory.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MIB = 1 << 20;
const HOUR_MS = 3_600_000;

/** A bot of 60 MiB that has just started. */
function open() {
  const clock = new FakeClock();
  let [collected, released, rss] = [0, 0, 60 * MIB];
  const { schedule, now } = clock;
  const memory = createProcessMemory({
    schedule,
    now,
    rss: () => rss,
    collect: () => void collected++,
    release: () => void released++,
  });
  return {
    clock,
    memory,
    counts: () => ({ collected, released }),
    grow: (bytes: number) => void (rss += bytes),
  };
}

/** A bot that has started and answered a message, long ago. */
function openLate() {
  const opened = open();
  opened.memory.turn(0);
  opened.clock.advance(HOUR_MS);
  const before = opened.counts();
  return {
    ...opened,
    counts: () => ({
      collected: opened.counts().collected - before.collected,
      released: opened.counts().released - before.released,
    }),
  };
}

describe("createProcessMemory()", () => {
  it("gives pages back after a start, and once more five seconds later", () => {
    const { clock, counts } = open();
    clock.advance(2_999);
    assert.deepEqual(counts(), { collected: 0, released: 0 });
    clock.advance(1);
    assert.deepEqual(counts(), { collected: 0, released: 1 });
    clock.advance(5_000);
    assert.deepEqual(counts(), { collected: 0, released: 2 });
    assert.equal(clock.pending, 0);
  });

  it("gives pages back after the first turn, once the bot is quiet", () => {
    const { clock, memory, counts } = open();
    clock.advance(8_000);
    memory.turn(0);
    clock.advance(2_000);
    memory.read(1);
    clock.advance(2_999);
    assert.equal(counts().released, 2, "a message came within the time");
    clock.advance(HOUR_MS);
    assert.deepEqual(counts(), { collected: 0, released: 4 });
    assert.equal(clock.pending, 0);
  });

  it("[O6] gives pages back after each page of the dashboard, also soon after a start", () => {
    const { clock, memory, counts } = open();
    clock.advance(4_000);
    memory.hasLoaded();
    clock.advance(60_000);
    assert.deepEqual(counts(), { collected: 0, released: 4 });
    memory.hasLoaded();
    memory.hasLoaded();
    clock.advance(60_000);
    assert.deepEqual(counts(), { collected: 0, released: 6 });
    assert.equal(clock.pending, 0);
  });

  it("[G5b] does nothing, and sets no timer, for few messages", () => {
    const { clock, memory, counts } = openLate();
    for (let count = 0; count < 500; count++) memory.read(1_000);
    assert.equal(clock.pending, 0);
    clock.advance(HOUR_MS);
    assert.deepEqual(counts(), { collected: 0, released: 0 });
  });

  it("gives pages back after some hundred messages", () => {
    const { clock, memory, counts } = openLate();
    for (let count = 0; count < 600; count++) memory.read(1_000);
    clock.advance(8_000);
    assert.deepEqual(counts(), { collected: 0, released: 2 });
  });

  const GROWTH = [
    { bytes: 8 * MIB, collected: 1 },
    { bytes: 8 * MIB - 1, collected: 0 },
  ];
  for (const { bytes, collected } of GROWTH) {
    it(`collects ${collected ? "" : "nothing "}if the process has grown by ${bytes} bytes`, () => {
      const { clock, memory, counts, grow } = openLate();
      grow(bytes);
      memory.turn(0);
      clock.advance(HOUR_MS);
      assert.equal(counts().collected, collected);
      memory.turn(0);
      clock.advance(HOUR_MS);
      assert.equal(counts().collected, collected, "it has not grown since");
    });
  }

  it("gives pages back after a single turn at most each ten minutes", () => {
    const { clock, memory, counts } = openLate();
    for (let minute = 0; minute < 20; minute++) {
      memory.turn(0);
      clock.advance(60_000);
    }
    assert.deepEqual(counts(), { collected: 0, released: 4 });
  });

  it("collects during a flood, and gives pages back when it has ended", () => {
    const { clock, memory, counts } = openLate();
    for (let count = 0; count < 15; count++) memory.read(MIB);
    assert.deepEqual(counts(), { collected: 2, released: 0 });
    clock.advance(8_000);
    assert.deepEqual(counts(), { collected: 2, released: 2 });
    assert.equal(clock.pending, 0);
  });

  it("leaves the garbage of answered messages to the runtime", () => {
    const { memory, counts } = openLate();
    for (let count = 0; count < 10_000; count++) {
      memory.read(2_000);
      memory.turn(0);
    }
    assert.equal(counts().collected, 0);
    for (let count = 0; count < 9; count++) memory.read(MIB);
    assert.equal(counts().collected, 1, "a flood after the turns");
  });

  it("does nothing for many turns until they have ended", () => {
    const { clock, memory, counts, grow } = openLate();
    grow(20 * MIB);
    for (let count = 0; count < 1_000; count++) {
      memory.turn(10);
      clock.advance(10);
    }
    assert.deepEqual(counts(), { collected: 0, released: 0 });
    clock.advance(3_000);
    assert.deepEqual(counts(), { collected: 1, released: 1 });
  });

  it("notices messages that come between the two times", () => {
    const { clock, memory, counts } = openLate();
    memory.turn(0);
    clock.advance(4_000);
    memory.read(MIB);
    clock.advance(3_999);
    assert.deepEqual(counts(), { collected: 0, released: 1 });
    clock.advance(1);
    assert.deepEqual(counts(), { collected: 0, released: 3 });
    clock.advance(5_000);
    assert.deepEqual(counts(), { collected: 0, released: 4 });
  });

  it("returns memory of a bot that is never quiet, at most each ten minutes", () => {
    const { clock, memory, counts } = openLate();
    for (let second = 0; second < 30 * 60; second++) {
      memory.read(2_000);
      clock.advance(1_000);
    }
    assert.equal(counts().released, 2 * 2);
  });

  it("does nothing after stop", () => {
    const { clock, memory, counts } = openLate();
    memory.turn(0);
    memory.stop();
    memory.turn(0);
    memory.read(MIB);
    clock.advance(HOUR_MS);
    assert.deepEqual(counts(), { collected: 0, released: 0 });
  });
});
