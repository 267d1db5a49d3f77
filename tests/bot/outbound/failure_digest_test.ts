import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFailureDigest, type Loss } from "../../../src/bot/outbound/failure_digest.ts";
import { channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const [ONE, OTHER] = [channelId("11"), channelId("12")];

function setUp() {
  const clock = new FakeClock();
  const told: Loss[] = [];
  const losses = createFailureDigest((loss) => told.push(loss), clock.schedule);
  return { clock, told, losses };
}

describe("[D5] createFailureDigest()", () => {
  it("tells once of what ends together, by channel", () => {
    const { clock, told, losses } = setUp();
    for (let number = 0; number < 50; number++) losses.add(ONE, "for a day");
    losses.add(OTHER, "refused");
    assert.deepEqual(told, []);
    clock.advance(5_000);
    assert.deepEqual(told, [
      { channelId: ONE, count: 50, reason: "for a day" },
      { channelId: OTHER, count: 1, reason: "refused" },
    ]);
  });

  it("tells again of what ends later", () => {
    const { clock, told, losses } = setUp();
    losses.add(ONE, "a");
    clock.advance(5_000);
    losses.add(ONE, "b");
    clock.advance(5_000);
    assert.deepEqual(told.map(({ count, reason }) => [count, reason]), [[1, "a"], [1, "b"]]);
  });

  it("tells what is gathered before the end, once", () => {
    const { clock, told, losses } = setUp();
    losses.add(ONE, "a");
    losses.flush();
    assert.equal(told.length, 1);
    clock.advance(5_000);
    assert.equal(told.length, 1);
  });
});
