import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Refusal } from "../../../../src/core/outbound/outbound.ts";
import type { ChannelId } from "../../../../src/core/discord/ids.ts";
import { createTyping } from "../../../../src/flows/turn/progress/typing.ts";
import { channelId } from "../../../support/discord/builders.ts";
import { testAccount } from "../../../support/account.ts";
import { settle } from "../../../support/settle.ts";

const HERE = channelId("1400000000000000002");
const THERE = channelId("1400000000000000003");

class Refused extends Error {
  readonly why: Refusal | undefined;

  constructor(why: Refusal | undefined) {
    super("Discord says no");
    this.why = why;
  }
}

/** @param answer Discord's answer to each request; absent: it accepts. */
function setUp(answer: () => Promise<void> = () => Promise.resolve()) {
  const { account, clock, lines } = testAccount();
  const start = clock.now();
  const shown: { channel: ChannelId; at: number }[] = [];
  const typing = createTyping(account, {
    show(channel) {
      shown.push({ channel, at: clock.now() - start });
      return answer();
    },
    refusalOf: (error) => error instanceof Refused ? error.why : undefined,
  });
  const times = (channel = HERE) =>
    shown.filter((one) => one.channel === channel).map(({ at }) => at);
  return { typing, clock, lines, times };
}

const refusal = (why: Refusal | undefined) => () => Promise.reject(new Refused(why));

describe("[R7] createTyping()", () => {
  it("sends nothing for an answer within 300 ms", () => {
    const { typing, clock, times } = setUp();
    const end = typing.begin(HERE);
    clock.advance(299);
    end();
    clock.advance(60_000);
    assert.deepEqual(times(), []);
    assert.equal(clock.pending, 0);
  });

  it("renews the indicator every 8 s while the turn runs, and ends with it", () => {
    const { typing, clock, times } = setUp();
    const end = typing.begin(HERE);
    clock.advance(20_000);
    assert.deepEqual(times(), [300, 8_300, 16_300]);
    end();
    clock.advance(60_000);
    assert.equal(times().length, 3);
    assert.equal(clock.pending, 0);
  });

  it("shows one indicator per channel for any number of turns, until the last has ended", () => {
    const { typing, clock, times } = setUp();
    const first = typing.begin(HERE);
    const second = typing.begin(HERE);
    clock.advance(5_000);
    first();
    first(); // harmless
    clock.advance(5_000);
    assert.deepEqual(times(), [300, 8_300]);
    second();
    clock.advance(60_000);
    assert.deepEqual(times(), [300, 8_300]);
    assert.equal(clock.pending, 0);
  });

  it("[D3] sends no request for ten minutes in a channel that forbids it", async () => {
    const { typing, clock, times } = setUp(refusal("forbidden"));
    const end = typing.begin(HERE);
    clock.advance(300);
    await settle();
    clock.advance(599_999);
    assert.deepEqual(times(), [300]);
    clock.advance(8_000);
    assert.equal(times().length, 2);
    end();

    typing.begin(THERE)();
    const there = typing.begin(THERE);
    clock.advance(300);
    there();
    assert.equal(times(THERE).length, 1);
  });
});
