import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { whileAwake } from "../../src/lib/clock.ts";
import { FakeClock } from "../support/fake_clock.ts";

describe("[T1] whileAwake()", () => {
  it("counts a second at most of a sleep, and no more than half of the rest", () => {
    const ms = fc.integer({ min: 1, max: 600_000 });
    fc.assert(fc.property(ms, ms, ms, (limitMs, awakeMs, asleepMs) => {
      const clock = new FakeClock();
      let isOver = false;
      whileAwake(clock.schedule)(() => isOver = true, limitMs);
      clock.advance(awakeMs);
      assert.equal(isOver, awakeMs >= limitMs);
      if (isOver || limitMs - awakeMs < 20) return;
      clock.sleep(asleepMs);
      const leftMs = limitMs - awakeMs;
      clock.advance(Math.max(leftMs / 2 - 20, leftMs - 1_000) - 1);
      assert.equal(isOver, false);
      clock.advance(leftMs);
      assert.ok(isOver);
      assert.equal(clock.pending, 0);
    }));
  });
});
