import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRefusals, TOLD_EVERY_MS } from "../../../src/flows/interactions/refusals.ts";
import { userId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const ADA = userId("7");

function setUp() {
  const clock = new FakeClock();
  return { clock, refusals: createRefusals({ now: clock.now }) };
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
});
