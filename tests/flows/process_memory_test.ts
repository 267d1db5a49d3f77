import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProcessMemory } from "../../src/flows/process_memory.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MIB = 1 << 20;
const HOUR_MS = 3_600_000;

function open() {
  const clock = new FakeClock();
  let [collected, released] = [0, 0];
  const { schedule, now } = clock;
  const memory = createProcessMemory({
    schedule,
    now,
    collect: () => void collected++,
    release: () => void released++,
  });
  return { clock, memory, collected: () => collected, released: () => released };
}

/** A bot that has started and answered a message, long ago. */
function openLate() {
  const opened = open();
  opened.memory.turn(0);
  opened.clock.advance(HOUR_MS);
  const [collected, released] = [opened.collected(), opened.released()];
  return {
    ...opened,
    collected: () => opened.collected() - collected,
    released: () => opened.released() - released,
  };
}

describe("createProcessMemory()", () => {
  it("returns memory once after a start, without collecting", () => {
    const { clock, collected, released } = open();
    clock.advance(3_000);
    assert.deepEqual([collected(), released(), clock.pending], [0, 1, 0]);
  });

  it("collects and returns memory after the first turn, once the bot is quiet", () => {
    const { clock, memory, collected, released } = open();
    clock.advance(HOUR_MS);
    memory.turn(0);
    clock.advance(2_000);
    memory.read(1);
    clock.advance(2_999);
    assert.deepEqual([collected(), released()], [0, 1], "a message came within the time");
    clock.advance(1);
    assert.deepEqual([collected(), released(), clock.pending], [1, 2, 0]);
  });

  it("[G5b] does nothing, and sets no timer, for few messages", () => {
    const { clock, memory, collected, released } = openLate();
    for (let count = 0; count < 500; count++) memory.read(1_000);
    assert.equal(clock.pending, 0);
    clock.advance(HOUR_MS);
    assert.deepEqual([collected(), released()], [0, 0]);
  });

  it("collects and returns memory after some messages, at most each ten minutes", () => {
    const { clock, memory, collected, released } = openLate();
    for (let minute = 0; minute < 20; minute++) {
      memory.read(MIB / 2);
      clock.advance(60_000);
    }
    assert.deepEqual([collected(), released()], [2, 2]);
  });

  it("returns memory after a turn, at most each ten minutes, and seldom collects", () => {
    const { clock, memory, collected, released } = openLate();
    for (let minute = 0; minute < 20; minute++) {
      memory.turn(0);
      clock.advance(60_000);
    }
    assert.deepEqual([collected(), released()], [0, 2]);
  });

  it("collects during a flood, and once more when it has ended", () => {
    const { clock, memory, collected, released } = openLate();
    for (let count = 0; count < 20; count++) memory.read(MIB);
    assert.deepEqual([collected(), released()], [2, 0]);
    clock.advance(3_000);
    assert.deepEqual([collected(), released(), clock.pending], [3, 1, 0]);
  });

  it("collects after many turns only once they have ended", () => {
    const { clock, memory, collected, released } = openLate();
    memory.turn(0);
    clock.advance(3_000); // less than ten minutes ago from here on
    for (let count = 0; count < 150; count++) {
      memory.turn(10);
      clock.advance(10);
    }
    assert.deepEqual([collected(), released()], [0, 1]);
    clock.advance(3_000);
    assert.deepEqual([collected(), released()], [1, 2]);
  });

  it("returns memory of a bot that is never quiet, at most each ten minutes", () => {
    const { clock, memory, released } = openLate();
    for (let second = 0; second < 30 * 60; second++) {
      memory.read(2_000);
      clock.advance(1_000);
    }
    assert.equal(released(), 3);
  });

  it("does nothing after stop", () => {
    const { clock, memory, collected, released } = openLate();
    memory.turn(0);
    memory.stop();
    memory.turn(0);
    memory.read(MIB);
    clock.advance(HOUR_MS);
    assert.deepEqual([collected(), released()], [0, 0]);
  });
});
