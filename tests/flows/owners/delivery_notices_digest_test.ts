import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ChannelFailures,
  createFailureDigest,
} from "../../../src/flows/owners/delivery_notices.ts";
import { channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const [ONE, OTHER] = [channelId("11"), channelId("12")];

function setUp() {
  const clock = new FakeClock();
  const told: ChannelFailures[] = [];
  const digest = createFailureDigest((failure) => told.push(failure), clock.schedule);
  return { clock, told, digest };
}

describe("[D5] createFailureDigest()", () => {
  it("sends one notice per channel for simultaneous failures", () => {
    const { clock, told, digest } = setUp();
    for (let number = 0; number < 50; number++) digest.add(ONE, "for a day");
    digest.add(OTHER, "refused");
    assert.deepEqual(told, []);
    clock.advance(5_000);
    assert.deepEqual(told, [
      { channelId: ONE, count: 50, reason: "for a day" },
      { channelId: OTHER, count: 1, reason: "refused" },
    ]);
  });

  it("sends another notice for later failures", () => {
    const { clock, told, digest } = setUp();
    digest.add(ONE, "a");
    clock.advance(5_000);
    digest.add(ONE, "b");
    clock.advance(5_000);
    assert.deepEqual(told.map(({ count, reason }) => [count, reason]), [[1, "a"], [1, "b"]]);
  });

  it("sends pending notices once when flushed", () => {
    const { clock, told, digest } = setUp();
    digest.add(ONE, "a");
    digest.flush();
    assert.equal(told.length, 1);
    clock.advance(5_000);
    assert.equal(told.length, 1);
  });
});
