import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutboxRow } from "../../../src/core/outbound/outbound.ts";
import {
  createClockChanges,
  createRecentRefusals,
} from "../../../src/flows/deliver/failing_rows.ts";
import { ACCOUNT, channelId, outboundMessage } from "../../support/discord/builders.ts";

const NOW = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

function setUp() {
  let wall = NOW;
  let steady = 0;
  let isFull = false;
  const shifts: (readonly [byMs: number, until: number])[] = [];
  const clock = createClockChanges({
    accountId: ACCOUNT,
    outbox: {
      shiftFailing(_account, byMs, until) {
        if (isFull) return Promise.reject(new Error("the disk is full"));
        shifts.push([byMs, until]);
        return Promise.resolve();
      },
    },
    now: () => wall,
    steadyNow: () => steady,
  });
  return {
    clock,
    shifts,
    pass(ms: number) {
      wall += ms;
      steady += ms;
    },
    set: (ms: number) => wall += ms,
    setFull: (full: boolean) => isFull = full,
  };
}

function row(failingSince?: number): OutboxRow {
  return {
    id: 1,
    message: outboundMessage(),
    fileCount: 0,
    action: { kind: "post" },
    ...(failingSince !== undefined && { failingSince }),
  };
}

describe("[D5] createClockChanges()", () => {
  it("does nothing while the clock runs normally, or is set by a little, or back", async () => {
    const { clock, shifts, pass, set } = setUp();
    pass(48 * HOUR_MS);
    await clock.check();
    set(299_999);
    await clock.check();
    set(-10 * HOUR_MS);
    await clock.check();
    assert.deepEqual(shifts, []);
    assert.equal(clock.setForwardMs(), 0);
  });

  it("notices once by how much the clock was set forward", async () => {
    const { clock, shifts, pass, set } = setUp();
    pass(HOUR_MS);
    set(10 * HOUR_MS);
    pass(1_000);
    await Promise.all([clock.check(), clock.check()]);
    await clock.check();
    assert.deepEqual(shifts, [[10 * HOUR_MS, NOW + HOUR_MS + 1_000]]);
    set(-HOUR_MS);
    await clock.check();
    set(2 * HOUR_MS);
    await clock.check();
    assert.deepEqual(shifts.map(([byMs]) => byMs), [10 * HOUR_MS, 2 * HOUR_MS]);
    assert.equal(clock.setForwardMs(), 12 * HOUR_MS);
  });

  it("notices small changes that add up", async () => {
    const { clock, shifts, set } = setUp();
    for (let time = 0; time < 5; time++) {
      set(60_000);
      await clock.check();
    }
    assert.deepEqual(shifts.map(([byMs]) => byMs), [300_000]);
  });

  it("retries if the disk refuses", async () => {
    const { clock, shifts, set, setFull } = setUp();
    setFull(true);
    set(HOUR_MS);
    await assert.rejects(clock.check(), /full/);
    assert.equal(clock.setForwardMs(), 0);
    setFull(false);
    await clock.check();
    assert.deepEqual(shifts.map(([byMs]) => byMs), [HOUR_MS]);
  });

  it("shifts a row that was read before, but no failure that began since", async () => {
    const { clock, set } = setUp();
    const before = clock.setForwardMs();
    set(HOUR_MS);
    await clock.check();
    assert.equal(clock.shifted(row(NOW - 5), before).failingSince, NOW - 5 + HOUR_MS);
    assert.equal(clock.shifted(row(NOW + HOUR_MS), before).failingSince, NOW + HOUR_MS);
    assert.equal(clock.shifted(row(), before).failingSince, undefined);
    assert.equal(clock.shifted(row(NOW - 5), clock.setForwardMs()).failingSince, NOW - 5);
  });
});

const HERE = channelId("1");
const MINUTE_MS = 60_000;

describe("createRecentRefusals()", () => {
  it("[D5] remembers the reason for a minute, unless a message arrives", () => {
    let now = 0;
    const refusals = createRecentRefusals(() => now);
    refusals.add(HERE, "Missing Permissions");
    now = MINUTE_MS - 1;
    assert.equal(refusals.reasonOf(HERE), "Missing Permissions");
    now = MINUTE_MS;
    assert.equal(refusals.reasonOf(HERE), undefined);
    refusals.add(HERE, "Missing Access");
    refusals.delete(HERE);
    assert.equal(refusals.reasonOf(HERE), undefined);
  });

  it("keeps no channel for longer than a minute after the next refusal", () => {
    let now = 0;
    const refusals = createRecentRefusals(() => now);
    for (let second = 0; second < 1_000; second++) {
      now = second * 1_000;
      refusals.add(channelId(String(second + 1)), "Missing Access");
    }
    assert.equal(refusals.size, 60);
  });
});
