import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createInteractionLimit,
  FLOODED_FROM,
  INTERACTION_WINDOW_MS,
  PER_PERSON,
  PER_PERSON_FLOODED,
} from "../../../../src/discord/gateway/shard/acknowledge.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

function setUp() {
  const clock = new FakeClock();
  const dropped: { readonly interactions: number; readonly people: number }[] = [];
  const limit = createInteractionLimit(
    { steadyNow: clock.now, schedule: clock.schedule },
    (counts) => dropped.push(counts),
  );
  const takes = (userId: string, count: number) =>
    Array.from({ length: count }, () => limit.take(userId)).filter((isTaken) => isTaken).length;
  return { clock, dropped, takes, admit: limit.admit };
}

describe("[X4a] createInteractionLimit()", () => {
  it("takes 40 interactions of a person in ten seconds, and says how many it dropped", () => {
    const { clock, dropped, takes } = setUp();
    assert.equal(takes("1", 10_000), PER_PERSON);
    assert.equal(takes("2", 1), 1, "others are not concerned");
    assert.deepEqual(dropped, []);
    clock.advance(INTERACTION_WINDOW_MS);
    assert.deepEqual(dropped, [{ interactions: 10_000 - PER_PERSON, people: 1 }]);
    assert.equal(takes("1", 1), 1);
    assert.equal(clock.pending, 0);
  });

  it("takes two of each person while many people send many", () => {
    const { takes } = setUp();
    const people = FLOODED_FROM / PER_PERSON;
    for (let n = 0; n < people; n++) assert.equal(takes(`a${n}`, 100), PER_PERSON);
    for (let n = 0; n < 2_000; n++) assert.equal(takes(`b${n}`, 5), PER_PERSON_FLOODED);
    assert.equal(takes("owner", 1), 1);
  });

  it("takes 40 of an admitted person while many people send many, until the window ends", () => {
    const { clock, takes, admit } = setUp();
    const flood = () => {
      for (let n = 0; n < FLOODED_FROM; n++) takes(`a${n}`, PER_PERSON);
    };
    for (const _ of [1, 2]) {
      flood();
      assert.equal(takes("owner", 1), 1, "the main thread sees it, and admits the person");
      admit("owner");
      assert.equal(takes("owner", 100), PER_PERSON - 1);
      assert.equal(takes("other", 100), PER_PERSON_FLOODED);
      clock.advance(INTERACTION_WINDOW_MS);
    }
    flood();
    assert.equal(takes("owner", 100), PER_PERSON_FLOODED, "a right may have gone");
  });
});
