import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { watchWriters } from "../../../src/store/database/other_writers.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

/** A watch whose bell the test rings; without a bell writers cannot be heard. */
function open({ hasBell }: { readonly hasBell: boolean }) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const state = { looks: 0, isHeard: hasBell, written: 0, hasWritten: false, isBroken: false };
  let ring = () => {};
  const stop = watchWriters({
    store: {
      changedElsewhere() {
        state.looks++;
        if (state.isBroken) throw new Error("the disk is gone");
        return state.hasWritten;
      },
    },
    hear(onWritten) {
      if (!hasBell) return undefined;
      ring = onWritten;
      return () => void (state.isHeard = false);
    },
    schedule: clock.schedule,
    onWritten: () => state.written++,
    log,
  });
  return { clock, lines, state, stop, ring: () => ring() };
}

describe("[C9] watchWriters()", () => {
  it("checks each minute if writers can ring, and every five seconds if not", () => {
    for (const [hasBell, looks] of [[true, 1], [false, 12]] as const) {
      const { clock, state } = open({ hasBell });
      for (let sec = 0; sec < 60; sec++) clock.advance(1_000);
      assert.equal(state.looks, looks);
    }
  });

  it("checks at a ring, once more soon after it, and then each minute again", () => {
    const { clock, state, ring } = open({ hasBell: true });
    state.hasWritten = true;
    ring();
    assert.equal(state.written, 1);
    clock.advance(250);
    assert.equal(state.written, 2);
    clock.advance(59_999);
    assert.equal(state.written, 2);
    clock.advance(1);
    assert.equal(state.written, 3);
  });

  it("continues after a failed check", () => {
    const { clock, lines, state } = open({ hasBell: false });
    state.isBroken = true;
    clock.advance(5_000);
    assert.match(lines[0]!.event, /Cannot check/);
    state.isBroken = false;
    state.hasWritten = true;
    clock.advance(5_000);
    assert.equal(state.written, 1);
  });

  it("neither listens nor checks once stopped", () => {
    const { clock, state, stop } = open({ hasBell: true });
    stop();
    clock.advance(600_000);
    assert.deepEqual([state.isHeard, state.looks], [false, 0]);
  });
});
