import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProcessMemory } from "../../src/flows/process_memory.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MIB = 1 << 20;

function build() {
  const clock = new FakeClock();
  const world = { mib: 50, liveMib: 50, collections: 0, releases: 0 };
  const memory = createProcessMemory({
    schedule: clock.schedule,
    now: clock.now,
    rss: () => world.mib * MIB,
    collect: () => void (world.collections++, world.mib = world.liveMib),
    release: () => void world.releases++,
  });
  /** Work for so many seconds, each of which leaves garbage. */
  const work = (seconds: number, mib: number) => {
    for (let second = 0; second < seconds; second++) {
      world.mib += mib;
      memory.worked();
      clock.advance(1_000);
    }
  };
  return { clock, world, memory, work };
}

describe("[B6] [B7] createProcessMemory()", () => {
  it("returns the memory of the start, and then sets no timer", () => {
    const { clock, world } = build();
    clock.advance(60_000);
    assert.deepEqual([world.releases, world.collections], [2, 1]);
    world.mib = 500;
    clock.advance(3_600_000);
    assert.deepEqual([world.releases, world.collections], [2, 1]);
  });

  it("collects once a bot that has grown is quiet, and not after a little work", () => {
    const { clock, world, work } = build();
    clock.advance(60_000);
    work(1, 3);
    clock.advance(60_000);
    assert.equal(world.collections, 1);
    work(1, 2);
    clock.advance(2_000);
    assert.equal(world.collections, 2);
    clock.advance(60_000);
    assert.deepEqual([world.mib, world.collections], [50, 2]);
  });

  it("collects once more after work while memory was returned, and then rests", () => {
    const { clock, world, work } = build();
    clock.advance(4_000);
    work(1, 1);
    clock.advance(3_600_000);
    assert.deepEqual([world.mib, world.collections], [50, 2]);
  });

  it("keeps a bot that is never quiet flat, with few collections", () => {
    const { clock, world, work } = build();
    clock.advance(60_000);
    let most = 0;
    for (let minute = 0; minute < 60; minute++) {
      work(60, 1);
      most = Math.max(most, world.mib);
    }
    assert.ok(most <= 50 + 30 + 10, `${most} MiB`);
    assert.ok(world.collections <= 3_600 / 30, `${world.collections} collections`);
  });

  it("does not collect again and again what lives", () => {
    const { clock, world, work } = build();
    clock.advance(60_000);
    world.liveMib = 200;
    work(600, 0.005);
    world.mib = 200;
    work(600, 0.005);
    assert.equal(world.collections, 2);
  });

  it("does nothing after its end", () => {
    const { clock, world, memory, work } = build();
    memory.stop();
    work(60, 10);
    clock.advance(60_000);
    assert.deepEqual([world.releases, world.collections], [0, 0]);
  });
});
