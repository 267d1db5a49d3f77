import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import {
  availableAt,
  type BucketWindow,
  createBuckets,
  type ResponseLimits,
  UNKNOWN,
  windowAfter,
} from "../../../../src/discord/rest/scheduler/buckets.ts";

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
  const rows: readonly [
    name: string,
    before: BucketWindow,
    limits: ResponseLimits,
    pauseMs: number,
    after: BucketWindow,
  ][] = [
    ["the first answer", UNKNOWN, left(4, 5_000), 0, { limit: 5, remaining: 4, resetAt: 6_000 }],
    ["the next one", OPEN, left(2, 4_000), 0, { limit: 5, remaining: 2, resetAt: 5_000 }],
    ["an overtaken response", OPEN, left(4, 3_900), 0, OPEN],
    ["a response with a higher latency", OPEN, left(2, 4_050), 0, {
      limit: 5,
      remaining: 2,
      resetAt: 5_050,
    }],
    ["the first response of a new window", { ...OPEN, resetAt: NOW }, left(4, 5_000), 0, {
      limit: 5,
      remaining: 4,
      resetAt: 6_000,
    }],
    ["another limit", OPEN, { ...left(2, 4_000), limit: 10 }, 0, {
      ...OPEN,
      limit: 10,
      remaining: 2,
    }],
    ["no counts at all: the request counts as taken", OPEN, {}, 0, { ...OPEN, remaining: 2 }],
    ["a 429 with a duration", OPEN, refused, 300, { limit: 5, remaining: 0, resetAt: 5_000 }],
    ["a 429 for longer than the window", OPEN, refused, 9_000, {
      limit: 5,
      remaining: 0,
      resetAt: 10_000,
    }],
    ["a 429 for an unknown bucket", UNKNOWN, refused, 300, {
      limit: 1,
      remaining: 0,
      resetAt: 1_300,
    }],
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
    [
      "a global 429: it took nothing from the bucket",
      OPEN,
      { refused: { isGlobal: true } },
      0,
      OPEN,
    ],
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
