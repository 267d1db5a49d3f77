import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAlarm } from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import { MAX_TIMER_MS } from "../../../../src/lib/clock.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

function open() {
  const clock = new FakeClock();
  const rings: number[] = [];
  const start = clock.now();
  const alarm = createAlarm(clock.schedule, () => rings.push(clock.now() - start));
  const set = (inMs: number) => alarm.set(clock.now(), inMs);
  return { clock, rings, alarm, set };
}

describe("[D3] createAlarm()", () => {
  it("fires once, at the earliest of the times", () => {
    const { clock, rings, set } = open();
    set(50);
    set(20);
    set(30);
    clock.advance(100);
    assert.deepEqual(rings, [20]);
  });

  it("can be set again after it has fired, and after `cancel`", () => {
    const { clock, rings, alarm, set } = open();
    set(20);
    clock.advance(20);
    set(40);
    alarm.cancel();
    set(60);
    clock.advance(60);
    assert.deepEqual(rings, [20, 80]);
  });

  it("fires early if the time exceeds the longest timer", () => {
    const { clock, rings, set } = open();
    set(2 * MAX_TIMER_MS);
    clock.advance(MAX_TIMER_MS);
    assert.deepEqual(rings, [MAX_TIMER_MS]);
  });
});
