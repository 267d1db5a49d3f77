import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type BreakerState,
  createBreaker,
  createInvalidRequests,
  createPace,
  GLOBAL_WINDOW_MS,
  type GlobalLimitState,
  INVALID_WINDOW_MS,
  type Priority,
  SLOWED_EVERY_MS,
} from "../../../../src/discord/rest/scheduler/rate_limiter.ts";

const MINUTE_MS = 60_000;

const NOW = 1_000_000 * MINUTE_MS;

describe("[D3] createInvalidRequests()", () => {
  const rows: readonly [name: string, minute: number, counted: boolean][] = [
    ["of this minute", 1_000_000, true],
    ["of the minute before", 999_999, true],
    ["of ten minutes ago", 999_990, true],
    ["of eleven minutes ago", 999_989, false],
    ["of a time to come, by a clock that was wrong", 1_000_001, false],
  ];
  for (const [name, minute, counted] of rows) {
    it(`${counted ? "counts" : "does not count"} those ${name}`, () => {
      const invalid = createInvalidRequests([{ minute, count: 7 }], () => undefined);
      assert.equal(invalid.count(NOW), counted ? 7 : 0);
    });
  }

  it("tells a future count, and forgets nothing by that", () => {
    const invalid = createInvalidRequests([{ minute: 1_000_000, count: 5 }], () => undefined);
    assert.equal(invalid.count(NOW + INVALID_WINDOW_MS + MINUTE_MS), 0);
    assert.equal(invalid.count(NOW), 5);
  });

  it("counts at least the last ten minutes, and at most eleven", () => {
    const times = fc.array(fc.integer({ min: 0, max: 30 * MINUTE_MS }), { maxLength: 60 });
    fc.assert(fc.property(times, (unsorted) => {
      const invalid = createInvalidRequests([], () => undefined);
      const seen: number[] = [];
      for (const at of unsorted.toSorted((a, b) => a - b)) {
        invalid.note(NOW + at);
        seen.push(at);
        const within = (ms: number) => seen.filter((other) => at - other < ms).length;
        const count = invalid.count(NOW + at);
        assert.ok(count >= within(INVALID_WINDOW_MS), "too few");
        assert.ok(count <= within(INVALID_WINDOW_MS + MINUTE_MS), "too many");
      }
    }));
  });
});

describe("[D3] createBreaker()", () => {
  type Minutes = Parameters<typeof createInvalidRequests>[0];
  function setUp(stored: Minutes = [], now = NOW) {
    const states: BreakerState[] = [];
    const clock = { at: now };
    const invalid = createInvalidRequests(stored, () => {});
    const breaker = createBreaker(invalid, { now: () => clock.at }, (state) => states.push(state));
    return { clock, states, invalid, breaker };
  }
  const none = new Headers();

  const answers: readonly [status: number, scope: string | undefined, is: boolean][] = [
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
  for (const [status, scope, is] of answers) {
    it(`${is ? "counts" : "does not count"} ${status} ${scope ?? ""}`, () => {
      const { breaker, invalid } = setUp();
      breaker.note(status, new Headers(scope === undefined ? {} : { "x-ratelimit-scope": scope }));
      assert.equal(invalid.count(NOW), is ? 1 : 0);
    });
  }

  const counts: readonly [count: number, state: BreakerState][] = [
    [0, "closed"],
    [499, "closed"],
    [500, "slowed"],
    [1_999, "slowed"],
    [2_000, "stopped"],
    [9_999, "stopped"],
  ];
  for (const [count, state] of counts) {
    it(`is ${state} at ${count} of the last run`, () => {
      const { breaker, states } = setUp([{ minute: 1_000_000, count }]);
      assert.equal(breaker.check().state, state);
      assert.deepEqual(states, state === "closed" ? [] : [state]);
    });
  }

  it("is never stopped by the slow pace alone", () => {
    const { breaker, clock } = setUp([{ minute: 1_000_000, count: 500 + 50 }]); // 50 in flight
    const pace = createPace({ globalPerSec: 50, unusedPerSec: 2 });
    for (const end = NOW + 11 * MINUTE_MS; clock.at < end;) {
      const { state } = breaker.check();
      assert.notEqual(state, "stopped");
      pace.take("reply", clock.at);
      breaker.note(403, none);
      clock.at += state === "slowed" ? pace.waitMs("reply", SLOWED, clock.at) : MINUTE_MS;
    }
  });

  it("stops until enough invalid requests are ten minutes old, and never longer", () => {
    const minutes = fc.array(fc.record({
      minute: fc.integer({ min: 1_000, max: 1_010 }),
      count: fc.integer({ min: 0, max: 2_500 }),
    }));
    const times = fc.integer({ min: 1_010 * MINUTE_MS, max: 1_011 * MINUTE_MS - 1 });
    fc.assert(fc.property(minutes, times, (stored, now) => {
      const { breaker, clock } = setUp(stored, now);
      const { state, stoppedForMs } = breaker.check();
      if (state !== "stopped") return assert.equal(stoppedForMs, 0);
      assert.ok(stoppedForMs > 0 && stoppedForMs <= INVALID_WINDOW_MS + MINUTE_MS);
      clock.at = now + stoppedForMs;
      assert.notEqual(breaker.check().state, "stopped");
      clock.at -= 1;
      assert.equal(breaker.check().state, "stopped", "later than necessary");
    }));
  });

  it("stops for at most the window plus a minute if the count does not fall", () => {
    const full = { count: () => 2_000, note: () => {} };
    const { stoppedForMs } = createBreaker(full, { now: () => 90_000 }).check();
    assert.ok(stoppedForMs > INVALID_WINDOW_MS);
    assert.ok(stoppedForMs <= INVALID_WINDOW_MS + MINUTE_MS);
  });

  it("reports each change once, including the one by the passage of time", () => {
    const { clock, states, breaker } = setUp();
    for (let n = 0; n < 2_005; n++) breaker.note(403, none);
    assert.deepEqual(states, ["slowed", "stopped"]);
    clock.at += breaker.check().stoppedForMs;
    assert.deepEqual(breaker.check(), { state: "closed", stoppedForMs: 0 });
    assert.deepEqual(states, ["slowed", "stopped", "closed"]);
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
  const rows: readonly [Priority, readonly (readonly [Priority, number])[], number][] = [
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
