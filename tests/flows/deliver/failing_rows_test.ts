import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createClockChanges,
  createRecentRefusals,
} from "../../../src/flows/deliver/failing_rows.ts";
import { bareAccount } from "../../support/account.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";

const NOW = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

function setUp() {
  let wall = NOW;
  let steady = 0;
  let isFull = false;
  const shifts: (readonly [byMs: number, until: number])[] = [];
  const outbox = {
    shiftFailing(_account: unknown, byMs: number, until: number) {
      if (isFull) return Promise.reject(new Error("the disk is full"));
      shifts.push([byMs, until]);
      return Promise.resolve();
    },
  };
  const clock = createClockChanges(bareAccount({
    accountId: ACCOUNT,
    store: { outbox } as never,
    now: () => wall,
    steadyNow: () => steady,
  }));
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
});
