import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createInvalidRequests,
  INVALID_WINDOW_MS,
} from "../../../../src/core/discord/invalid_requests.ts";
import {
  type BreakerState,
  breakerState,
  createBreaker,
  createPace,
  GLOBAL_WINDOW_MS,
  type GlobalLimitState,
  isInvalid,
  type Priority,
  SLOW_FROM,
  SLOWED_EVERY_MS,
  STOP_AT,
  stoppedForMs,
} from "../../../../src/discord/rest/scheduler/global_limit.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const MINUTE_MS = 60_000;

describe("[D3] isInvalid()", () => {
  const rows: readonly [status: number, scope: string | undefined, is: boolean][] = [
    [200, undefined, false],
    [400, undefined, false],
    [401, undefined, true],
    [403, undefined, true],
    [404, undefined, false],
    [429, "user", true],
    [429, "global", true],
    [429, "shared", false],
    [429, undefined, true], // Cloudflare's
    [403, "shared", true],
    [502, undefined, false],
  ];
  for (const [status, scope, is] of rows) {
    it(`returns ${is} for ${status} ${scope ?? ""}`, () => {
      const headers = new Headers(scope === undefined ? {} : { "x-ratelimit-scope": scope });
      assert.equal(isInvalid(status, headers), is);
    });
  }
});

describe("[D3] breakerState()", () => {
  const rows: readonly [count: number, state: BreakerState][] = [
    [0, "closed"],
    [499, "closed"],
    [500, "slowed"],
    [1_999, "slowed"],
    [2_000, "stopped"],
    [9_999, "stopped"],
  ];
  for (const [count, state] of rows) {
    it(`is ${state} at ${count}`, () => assert.equal(breakerState(count), state));
  }

  it("is slowed so early that the slow pace alone never stops it", () => {
    const span = INVALID_WINDOW_MS + MINUTE_MS; // the span of a count by minutes
    const inFlight = 50;
    assert.ok(SLOW_FROM + inFlight + span / SLOWED_EVERY_MS < STOP_AT);
  });
});

describe("[D3] stoppedForMs()", () => {
  it("ends when enough invalid requests are ten minutes old, and never before", () => {
    const minutes = fc.array(fc.record({
      minute: fc.integer({ min: 1_000, max: 1_010 }),
      count: fc.integer({ min: 0, max: 2_500 }),
    }));
    const times = fc.integer({ min: 1_010 * MINUTE_MS, max: 1_011 * MINUTE_MS - 1 });
    fc.assert(fc.property(minutes, times, (stored, now) => {
      const { count } = createInvalidRequests(stored, () => undefined);
      const ms = stoppedForMs(count, now);
      if (count(now) < STOP_AT) return assert.equal(ms, 0);
      assert.ok(ms > 0 && ms <= INVALID_WINDOW_MS + MINUTE_MS);
      assert.ok(count(now + ms) < STOP_AT, "still stopped");
      assert.ok(count(now + ms - 1) >= STOP_AT, "later than necessary");
    }));
  });

  it("ends after at most the window plus a minute if the count does not fall", () => {
    const ms = stoppedForMs(() => STOP_AT, 90_000);
    assert.ok(ms > INVALID_WINDOW_MS && ms <= INVALID_WINDOW_MS + MINUTE_MS);
  });
});

describe("[D3] createBreaker()", () => {
  function setUp(stored: readonly { readonly minute: number; readonly count: number }[] = []) {
    const clock = new FakeClock();
    const states: BreakerState[] = [];
    const invalidRequests = createInvalidRequests(stored, () => undefined);
    const breaker = createBreaker(invalidRequests, clock, (state) => states.push(state));
    return { clock, states, breaker };
  }
  const none = new Headers();

  it("reports each change once, including the one by the passage of time", () => {
    const { clock, states, breaker } = setUp();
    for (let n = 0; n < STOP_AT + 5; n++) breaker.note(403, none);
    assert.deepEqual(states, ["slowed", "stopped"]);
    const { state, stoppedForMs: ms } = breaker.check();
    assert.equal(state, "stopped");
    clock.advance(ms);
    assert.deepEqual(breaker.check(), { state: "closed", stoppedForMs: 0 });
    assert.deepEqual(states, ["slowed", "stopped", "closed"]);
  });

  it("starts with the count of the last run", () => {
    const minute = Math.floor(new FakeClock().now() / MINUTE_MS);
    const { states, breaker } = setUp([{ minute, count: STOP_AT }]);
    assert.equal(breaker.check().state, "stopped");
    assert.deepEqual(states, ["stopped"]);
  });

  it("counts only responses that Discord counts", () => {
    const { breaker } = setUp();
    for (let n = 0; n < STOP_AT; n++) breaker.note(404, none);
    assert.equal(breaker.check().state, "closed");
  });
});

const FREE: GlobalLimitState = { until: -Infinity, isSlowed: false };
const SLOWED: GlobalLimitState = { until: -Infinity, isSlowed: true };
const COUNTED: readonly Priority[] = ["reply", "background", "spare"];
const RANKS: readonly Priority[] = ["interaction", "reply", "background", "spare"];

/** The number of requests of one priority that may leave at one moment, after others. */
function fits(
  priority: Priority,
  earlier: readonly (readonly [Priority, number])[] = [],
  options = { globalPerSec: 50, unusedPerSec: 2 },
): number {
  const pace = createPace(options);
  for (const [other, count] of earlier) for (let n = 0; n < count; n++) pace.take(other, 0);
  for (let count = 0;; count++) {
    if (pace.waitMs(priority, FREE, 1) > 0) return count;
    pace.take(priority, 1);
  }
}

describe("[D3][D4] createPace()", () => {
  const rows: readonly [
    priority: Priority,
    earlier: readonly (readonly [Priority, number])[],
    count: number,
  ][] = [
    ["interaction", [], 50],
    ["interaction", [["reply", 48]], 50],
    ["interaction", [["interaction", 30]], 20],
    ["reply", [], 48],
    ["reply", [["interaction", 50]], 48],
    ["background", [["interaction", 50]], 25],
    ["spare", [["interaction", 50]], 7],
    ["background", [], 25],
    ["background", [["reply", 20]], 5],
    ["background", [["reply", 25]], 0],
    ["spare", [], 7],
    ["spare", [["reply", 30]], 7],
    ["spare", [["reply", 35]], 3],
    ["spare", [["reply", 38]], 0],
  ];
  for (const [priority, earlier, count] of rows) {
    it(`lets ${count} of ${priority} leave after ${JSON.stringify(earlier)}`, () => {
      assert.equal(fits(priority, earlier), count);
    });
  }

  it("lets one reply leave, however large the margin is", () => {
    assert.equal(fits("reply", [], { globalPerSec: 2, unusedPerSec: 2 }), 1);
    assert.equal(fits("spare", [], { globalPerSec: 1, unusedPerSec: 0 }), 1);
  });

  it("waits until the window ends", () => {
    const pace = createPace({ globalPerSec: 1, unusedPerSec: 0 });
    pace.take("reply", 0);
    for (const priority of COUNTED) {
      assert.equal(pace.waitMs(priority, FREE, 20), GLOBAL_WINDOW_MS - 20);
    }
    for (const priority of RANKS) assert.equal(pace.waitMs(priority, FREE, GLOBAL_WINDOW_MS), 0);
  });

  it("lets no request leave during a global limit", () => {
    const pace = createPace({ globalPerSec: 50, unusedPerSec: 2 });
    for (const priority of RANKS) {
      assert.equal(pace.waitMs(priority, { until: 5_000, isSlowed: false }, 2_000), 3_000);
    }
  });

  it("slows all requests but interactions, and refuses spare ones", () => {
    const pace = createPace({ globalPerSec: 50, unusedPerSec: 2 });
    pace.take("interaction", 0);
    assert.deepEqual(RANKS.map((priority) => pace.waitMs(priority, SLOWED, 1)), [
      0,
      0,
      0,
      Infinity,
    ]);
    pace.take("reply", 1);
    assert.deepEqual(RANKS.map((priority) => pace.waitMs(priority, SLOWED, 1)), [
      0,
      SLOWED_EVERY_MS,
      SLOWED_EVERY_MS,
      Infinity,
    ]);
    assert.equal(pace.waitMs("reply", SLOWED, 1 + SLOWED_EVERY_MS), 0);
  });
});
