import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createRefusals,
  REFUSALS_PER_SEC,
  REPEATS_PER_SEC,
  TOLD_EVERY_MS,
} from "../../../src/flows/interactions/refusals.ts";
import { userId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const ADA = userId("7");

function setUp() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  return {
    clock,
    lines,
    refusals: createRefusals({ now: clock.now, schedule: clock.schedule, log }),
  };
}

describe("[X4a] createRefusals()", () => {
  it("tells each person, once a minute by a press, and by each command", () => {
    const { clock, refusals } = setUp();
    assert.equal(refusals.next(ADA, false), "tell");
    for (const ms of [0, 1_000, TOLD_EVERY_MS - 1_001]) {
      clock.advance(ms);
      assert.equal(refusals.next(ADA, false), "nothing");
      assert.equal(refusals.next(ADA, true), "repeat");
    }
    clock.advance(1);
    assert.equal(refusals.next(ADA, true), "tell");
  });

  it("spends a bounded number of requests a second, however many people come", () => {
    const { clock, refusals } = setUp();
    for (let second = 0; second < 5; second++) {
      let requests = 0;
      for (let n = 0; n < 2_000; n++) {
        const end = refusals.next(userId(`${second + 1}${1_000 + n}`), n % 2 === 0);
        if (end !== "nothing") requests++;
      }
      assert.equal(requests, REFUSALS_PER_SEC);
      clock.advance(1_000);
    }
  });

  it("lets presses and commands of one person keep no refusal from others", () => {
    const { refusals } = setUp();
    const ends = Array.from({ length: 1_000 }, (_, n) => refusals.next(ADA, n % 2 === 0));
    assert.equal(ends.filter((end) => end !== "nothing").length, REPEATS_PER_SEC);
    assert.equal(refusals.next(userId("8"), false), "tell");
  });

  it("counts what it told no one, in one line a minute", () => {
    const { clock, lines, refusals } = setUp();
    for (let n = 0; n < 100; n++) refusals.next(userId(String(n % 20 + 1)), false);
    assert.deepEqual(lines, []);
    clock.advance(TOLD_EVERY_MS);
    assert.deepEqual(lines.map(({ fields }) => fields), [{ interactions: 90, people: 20 }]);
    assert.equal(clock.pending, 0);
  });
});
