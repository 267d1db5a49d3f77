import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFloodMemory } from "../../../src/flows/receive/flood_memory.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const MIB = 1 << 20;

function open(isPatient = false) {
  const clock = new FakeClock();
  let collected = 0;
  const flood = createFloodMemory(clock.schedule, () => void collected++, isPatient);
  return { clock, flood, collected: () => collected };
}

describe("createFloodMemory()", () => {
  it("[G5b] does nothing, and sets no timer, for few messages", () => {
    const { clock, flood, collected } = open();
    for (let count = 0; count < 7; count++) flood.read(MIB);
    clock.advance(3_600_000);
    assert.equal(collected(), 0);
  });

  it("collects during a flood, and once more when it has ended", () => {
    const { clock, flood, collected } = open();
    for (let count = 0; count < 20; count++) flood.read(MIB);
    assert.equal(collected(), 2);
    clock.advance(2_000);
    flood.read(1);
    clock.advance(3_000);
    assert.equal(collected(), 2, "something came within the time");
    clock.advance(3_000);
    assert.equal(collected(), 3);
    clock.advance(3_600_000);
    assert.equal(collected(), 3);
  });

  it("collects only once it has ended, if it is patient", () => {
    const { clock, flood, collected } = open(true);
    for (let count = 0; count < 20; count++) flood.read(MIB);
    assert.equal(collected(), 0);
    clock.advance(6_000);
    assert.equal(collected(), 1);
  });

  it("does nothing after stop", () => {
    const { clock, flood, collected } = open();
    flood.read(8 * MIB);
    flood.stop();
    clock.advance(10_000);
    assert.equal(collected(), 1);
  });
});
