import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPausedChannels } from "../../../../src/flows/turn/progress/typing.ts";
import { channelId } from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const HERE = channelId("1400000000000000002");
const THERE = channelId("1400000000000000003");

describe("[D3] createPausedChannels()", () => {
  it("pauses a channel for ten minutes, and no other", () => {
    const clock = new FakeClock();
    const paused = createPausedChannels(clock.now);
    assert.equal(paused.has(HERE), false);
    paused.add(HERE);
    clock.advance(599_999);
    assert.equal(paused.has(HERE), true);
    assert.equal(paused.has(THERE), false);
    clock.advance(1);
    assert.equal(paused.has(HERE), false);
  });

  it("starts the pause again with each refusal", () => {
    const clock = new FakeClock();
    const paused = createPausedChannels(clock.now);
    paused.add(HERE);
    clock.advance(600_000);
    paused.add(HERE);
    clock.advance(599_999);
    assert.equal(paused.has(HERE), true);
  });
});
