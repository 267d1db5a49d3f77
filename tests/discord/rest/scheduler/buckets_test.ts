import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { routeOf } from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  availableAt,
  type BreakerState,
  type BucketWindow,
  createBreaker,
  createBuckets,
  createInvalidRequests,
  createPace,
  GLOBAL_WINDOW_MS,
  type GlobalLimitState,
  INVALID_WINDOW_MS,
  type Priority,
  type ResponseLimits,
  responseLimitsOf,
  SLOWED_EVERY_MS,
  UNKNOWN,
  windowAfter,
} from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import { sameData } from "../../../support/same_data.ts";

const OPEN: BucketWindow = { limit: 5, remaining: 3, resetAt: 5_000 };
const NOW = 1_000;

describe("[D3] availableAt()", () => {
  const rows: readonly [name: string, window: BucketWindow, inFlight: number, at: number][] = [
    ["unknown: one request goes ahead", UNKNOWN, 0, NOW],
    ["unknown, one in flight: its response tells", UNKNOWN, 1, Infinity],
    ["room left", OPEN, 0, NOW],
    ["room left beside those in flight", OPEN, 2, NOW],
    ["all remaining room is in flight", OPEN, 3, 5_000],
    ["none left", { ...OPEN, remaining: 0 }, 0, 5_000],
    ["exceeded by requests without a response", { ...OPEN, remaining: -1 }, 0, 5_000],
    ["over: the whole limit is free", { ...OPEN, resetAt: NOW, remaining: 0 }, 4, NOW],
    ["over, and the whole next window is in flight", { ...OPEN, resetAt: NOW }, 5, Infinity],
  ];
  for (const [name, window, inFlight, at] of rows) {
    it(name, () => assert.equal(availableAt({ window, inFlight }, NOW), at));
  }
});

describe("[D3] windowAfter()", () => {
  const left = (requests: number, resetMs: number): ResponseLimits => ({
    bucket: "b",
    limit: 5,
    left: { requests, resetMs },
  });
  const refused: ResponseLimits = { refused: { isGlobal: false } };
  const rows: readonly [string, BucketWindow, ResponseLimits, number, BucketWindow][] = [
    ["the first answer", UNKNOWN, left(4, 5_000), 0, { limit: 5, remaining: 4, resetAt: 6_000 }],
    ["the next one", OPEN, left(2, 4_000), 0, { limit: 5, remaining: 2, resetAt: 5_000 }],
    ["an overtaken response", OPEN, left(4, 3_900), 0, OPEN],
    ["a higher latency", OPEN, left(2, 4_050), 0, { limit: 5, remaining: 2, resetAt: 5_050 }],
    ["the first response of a new window", { ...OPEN, resetAt: NOW }, left(4, 5_000), 0, {
      limit: 5,
      remaining: 4,
      resetAt: 6_000,
    }],
    ["a limit", OPEN, { ...left(2, 4_000), limit: 10 }, 0, { ...OPEN, limit: 10, remaining: 2 }],
    ["no counts at all: the request counts as taken", OPEN, {}, 0, { ...OPEN, remaining: 2 }],
    ["a 429 with a duration", OPEN, refused, 300, { limit: 5, remaining: 0, resetAt: 5_000 }],
    ["a longer 429", OPEN, refused, 9_000, { limit: 5, remaining: 0, resetAt: 10_000 }],
    ["a 429 of an unknown one", UNKNOWN, refused, 300, { limit: 1, remaining: 0, resetAt: 1_300 }],
    ["a 429 of another limit than the bucket's", UNKNOWN, { ...left(3, 5_000), ...refused }, 300, {
      limit: 5,
      remaining: 0,
      resetAt: 1_300,
    }],
    ["a 429 shorter than its bucket", UNKNOWN, { ...left(0, 3_000), ...refused }, 300, {
      limit: 5,
      remaining: 0,
      resetAt: 4_000,
    }],
    ["a global 429 takes nothing from the bucket", OPEN, { refused: { isGlobal: true } }, 0, OPEN],
  ];
  for (const [name, before, limits, pauseMs, after] of rows) {
    it(name, () => assert.deepEqual(windowAfter(before, limits, pauseMs, NOW), after));
  }

  it("keeps a window closed by a 429 when a late response arrives", () => {
    const closed = windowAfter(OPEN, refused, 9_000, NOW);
    assert.equal(windowAfter(closed, left(3, 4_000), 0, NOW + 1).remaining, 0);
  });
});

describe("[D3] createBuckets()", () => {
  const [get, patch] = [routeOf("GET", "/channels/1/messages"), routeOf("PATCH", "/channels/1")];
  const exhausted: ResponseLimits = {
    bucket: "b",
    limit: 5,
    left: { requests: 0, resetMs: 5_000 },
  };

  it("shares a bucket between routes with the same bucket name", () => {
    const buckets = createBuckets();
    assert.notEqual(buckets.of(get), buckets.of(patch));
    buckets.update(get, exhausted, 0, NOW);
    buckets.update(patch, { bucket: "b" }, 0, NOW);
    assert.equal(buckets.of(get), buckets.of(patch));
    assert.equal(availableAt(buckets.of(patch), NOW), 6_000);
  });

  it("does not share a bucket between channels", () => {
    const buckets = createBuckets();
    buckets.update(get, exhausted, 0, NOW);
    const other = buckets.of(routeOf("GET", "/channels/2/messages"));
    assert.notEqual(other, buckets.of(get));
    assert.equal(availableAt(other, NOW), NOW);
  });

  it("uses a bucket name learnt in one channel for all channels", () => {
    const buckets = createBuckets();
    buckets.update(get, exhausted, 0, NOW);
    buckets.update(patch, exhausted, 0, NOW);
    const in2 = [routeOf("GET", "/channels/2/messages"), routeOf("PATCH", "/channels/2")];
    assert.equal(new Set(in2.map(buckets.of)).size, 1);
  });

  it("keeps each queue's own bucket if one route has several", () => {
    const buckets = createBuckets();
    buckets.update(get, exhausted, 0, NOW);
    buckets.update(routeOf("GET", "/channels/2/messages"), { ...exhausted, bucket: "c" }, 0, NOW);
    assert.equal(availableAt(buckets.of(get), NOW), 6_000);
  });

  it("keeps the window when it learns the bucket's name", () => {
    const buckets = createBuckets();
    const { bucket: _, ...nameless } = exhausted;
    buckets.update(get, nameless, 0, NOW);
    buckets.update(get, { bucket: "b" }, 0, NOW);
    assert.equal(availableAt(buckets.of(get), NOW), 6_000);
  });

  it("forgets neither a limit in force nor a request in flight, regardless of the number of queues", () => {
    const buckets = createBuckets();
    buckets.update(get, exhausted, 0, NOW);
    const busy = buckets.of(patch);
    busy.inFlight = 1;
    for (let n = 10; n < 2_000; n++) {
      buckets.update(routeOf("GET", `/channels/${n}/messages`), { bucket: "b" }, 0, NOW);
    }
    assert.equal(availableAt(buckets.of(get), NOW), 6_000);
    assert.equal(buckets.of(patch), busy);
  });
});

type Row = readonly [
  name: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  limits: ResponseLimits,
];

const refusedForBucket = (retryMs?: number): ResponseLimits => ({
  refused: { isGlobal: false, ...(retryMs !== undefined && { retryMs }) },
});
const refusedForAll = (retryMs?: number): ResponseLimits => ({
  refused: { isGlobal: true, ...(retryMs !== undefined && { retryMs }) },
});
const bucket = (remaining: string, resetAfter: string) => ({
  "x-ratelimit-bucket": "b",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": remaining,
  "x-ratelimit-reset-after": resetAfter,
});
const counts = (requests: number, resetMs: number): ResponseLimits => ({
  bucket: "b",
  limit: 5,
  left: { requests, resetMs },
});

describe("[D3] responseLimitsOf()", () => {
  const rows: readonly Row[] = [
    ["no headers", 200, {}, {}, {}],
    ["some left", 200, bucket("1", "5"), {}, counts(1, 5_000)],
    ["none left", 200, bucket("0", "0.25"), {}, counts(0, 250)],
    ["none left, after an error", 403, bucket("0", "2"), {}, counts(0, 2_000)],
    ["none left, without a time", 200, { "x-ratelimit-remaining": "0" }, {}, {}],
    ["a time, without a count", 200, { "x-ratelimit-reset-after": "1" }, {}, {}],
    ["an invalid count", 200, bucket("-1", "1"), {}, { bucket: "b", limit: 5 }],
    ["a count that is too large", 200, bucket("1e99", "1"), {}, { bucket: "b", limit: 5 }],
    ["a limit of 0", 200, { ...bucket("0", "1"), "x-ratelimit-limit": "0" }, {}, {
      bucket: "b",
      left: { requests: 0, resetMs: 1_000 },
    }],
    ["part of a millisecond", 200, bucket("0", "0.0001"), {}, counts(0, 1)],
    ["retry_after without a 429", 503, { "retry-after": "9" }, { retry_after: 9 }, {}],
    ["at most the longest timer", 429, {}, { retry_after: 1e12 }, refusedForBucket(2 ** 31 - 1)],
    ["429 user", 429, { "x-ratelimit-scope": "user" }, { retry_after: 0.3 }, refusedForBucket(300)],
    [
      "429 user, header longer",
      429,
      { "x-ratelimit-scope": "user", "retry-after": "1" },
      { retry_after: 0.3 },
      refusedForBucket(1_000),
    ],
    [
      "429 user, body longer",
      429,
      { "x-ratelimit-scope": "user", "retry-after": "1" },
      { retry_after: 1.7 },
      refusedForBucket(1_700),
    ],
    [
      "429 shared, reset shorter",
      429,
      { ...bucket("0", "0.2"), "x-ratelimit-scope": "shared", "retry-after": "2" },
      { retry_after: 2 },
      { ...counts(0, 200), ...refusedForBucket(2_000) },
    ],
    [
      "429 global by scope",
      429,
      { "x-ratelimit-scope": "global", "retry-after": "2" },
      { retry_after: 1.5 },
      refusedForAll(2_000),
    ],
    [
      "429 global by header",
      429,
      { "x-ratelimit-global": "true", "retry-after": "2" },
      {},
      refusedForAll(2_000),
    ],
    ["429 global by body", 429, {}, { global: true, retry_after: 2 }, refusedForAll(2_000)],
    [
      "429 global while the bucket is used up",
      429,
      { ...bucket("0", "4"), "x-ratelimit-scope": "global" },
      { retry_after: 2 },
      { ...counts(0, 4_000), ...refusedForAll(2_000) },
    ],
    ["429 Cloudflare", 429, { "retry-after": "30" }, undefined, refusedForAll(30_000)],
    ["no scope, by Discord", 429, {}, { retry_after: 1, global: false }, refusedForBucket(1_000)],
    [
      "429 shared, without Discord's body",
      429,
      { "x-ratelimit-scope": "shared", "retry-after": "2" },
      undefined,
      refusedForBucket(2_000),
    ],
    ["429 without any information", 429, {}, undefined, refusedForAll()],
    ["a scope, no time", 429, { "x-ratelimit-scope": "user" }, undefined, refusedForBucket()],
    ["429 with a time of 0", 429, { "retry-after": "0" }, { retry_after: 0 }, refusedForBucket()],
    ["an invalid", 429, { "retry-after": "soon" }, { retry_after: "1" }, refusedForBucket(1_000)],
    ["429 for ever", 429, { "retry-after": "Infinity" }, { retry_after: -1 }, refusedForBucket()],
    ["a day is not cut", 429, { "retry-after": "86400" }, undefined, refusedForAll(86_400_000)],
  ];
  for (const [name, status, headers, body, limits] of rows) {
    it(name, () => sameData(responseLimitsOf(status, new Headers(headers), body), limits));
  }

  it("never waits less than the header or the body demands", () => {
    const seconds = fc.double({ min: 0.0001, max: 1e6, noNaN: true });
    fc.assert(fc.property(seconds, seconds, fc.boolean(), (header, body, isGlobal) => {
      const { refused } = responseLimitsOf(
        429,
        new Headers({
          "retry-after": String(header),
          "x-ratelimit-scope": isGlobal ? "global" : "user",
        }),
        { retry_after: body },
      );
      assert.equal(refused?.isGlobal, isGlobal);
      const ms = refused?.retryMs ?? 0;
      assert.ok(ms >= header * 1_000 && ms >= body * 1_000);
    }));
  });
});

const MINUTE_MS = 60_000;

const BREAKER_NOW = 1_000_000 * MINUTE_MS;

/** A count with so many requests in these minutes since 1970. */
function notedIn(minutes: readonly { readonly minute: number; readonly count: number }[]) {
  const invalid = createInvalidRequests();
  for (const { minute, count } of minutes) {
    for (let number = 0; number < count; number++) invalid.note(minute * MINUTE_MS);
  }
  return invalid;
}

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
      const invalid = notedIn([{ minute, count: 7 }]);
      assert.equal(invalid.count(BREAKER_NOW), counted ? 7 : 0);
    });
  }

  it("tells a future count, and forgets nothing by that", () => {
    const invalid = notedIn([{ minute: 1_000_000, count: 5 }]);
    assert.equal(invalid.count(BREAKER_NOW + INVALID_WINDOW_MS + MINUTE_MS), 0);
    assert.equal(invalid.count(BREAKER_NOW), 5);
  });

  it("counts at least the last ten minutes, and at most eleven", () => {
    const times = fc.array(fc.integer({ min: 0, max: 30 * MINUTE_MS }), { maxLength: 60 });
    fc.assert(fc.property(times, (unsorted) => {
      const invalid = createInvalidRequests();
      const seen: number[] = [];
      for (const at of unsorted.toSorted((a, b) => a - b)) {
        invalid.note(BREAKER_NOW + at);
        seen.push(at);
        const within = (ms: number) => seen.filter((other) => at - other < ms).length;
        const count = invalid.count(BREAKER_NOW + at);
        assert.ok(count >= within(INVALID_WINDOW_MS), "too few");
        assert.ok(count <= within(INVALID_WINDOW_MS + MINUTE_MS), "too many");
      }
    }));
  });
});

describe("[D3] createBreaker()", () => {
  function setUp(stored: Parameters<typeof notedIn>[0] = [], now = BREAKER_NOW) {
    const states: BreakerState[] = [];
    const clock = { at: now };
    const invalid = notedIn(stored);
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
      assert.equal(invalid.count(BREAKER_NOW), is ? 1 : 0);
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
    it(`is ${state} at ${count}`, () => {
      const { breaker, states } = setUp([{ minute: 1_000_000, count }]);
      assert.equal(breaker.check().state, state);
      assert.deepEqual(states, state === "closed" ? [] : [state]);
    });
  }

  it("is never stopped by the slow pace alone", () => {
    const { breaker, clock } = setUp([{ minute: 1_000_000, count: 500 + 50 }]); // 50 in flight
    const pace = createPace({ globalPerSec: 50, unusedPerSec: 2 });
    for (const end = BREAKER_NOW + 11 * MINUTE_MS; clock.at < end;) {
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
