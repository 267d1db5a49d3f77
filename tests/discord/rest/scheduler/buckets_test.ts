import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import {
  availableAt,
  createBuckets,
  UNKNOWN,
  type Window,
  windowAfter,
} from "../../../../src/discord/rest/scheduler/buckets.ts";
import type { Limits } from "../../../../src/discord/rest/scheduler/limits.ts";

const OPEN: Window = { limit: 5, remaining: 3, resetAt: 5_000 };
const NOW = 1_000;

describe("[D3] availableAt()", () => {
  const rows: readonly [name: string, window: Window, inFlight: number, at: number][] = [
    ["nothing known: one goes ahead", UNKNOWN, 0, NOW],
    ["nothing known, one under way: its answer tells", UNKNOWN, 1, Infinity],
    ["room left", OPEN, 0, NOW],
    ["room left beside those under way", OPEN, 2, NOW],
    ["all that is left is under way", OPEN, 3, 5_000],
    ["none left", { ...OPEN, remaining: 0 }, 0, 5_000],
    ["drawn on by answers that never came", { ...OPEN, remaining: -1 }, 0, 5_000],
    ["over: the whole limit is free", { ...OPEN, resetAt: NOW, remaining: 0 }, 4, NOW],
    ["over, and all of the next is under way", { ...OPEN, resetAt: NOW }, 5, Infinity],
  ];
  for (const [name, window, inFlight, at] of rows) {
    it(name, () => assert.equal(availableAt({ window, inFlight, untimed429s: 0 }, NOW), at));
  }
});

describe("[D3] windowAfter()", () => {
  const left = (requests: number, resetMs: number): Limits => ({
    bucket: "b",
    limit: 5,
    left: { requests, resetMs },
  });
  const refused: Limits = { refused: { isGlobal: false } };
  const rows: readonly [
    name: string,
    before: Window,
    limits: Limits,
    pauseMs: number,
    after: Window,
  ][] = [
    ["the first answer", UNKNOWN, left(4, 5_000), 0, { limit: 5, remaining: 4, resetAt: 6_000 }],
    ["the next one", OPEN, left(2, 4_000), 0, { limit: 5, remaining: 2, resetAt: 5_000 }],
    ["one that was overtaken", OPEN, left(4, 3_900), 0, OPEN],
    ["one on a longer way", OPEN, left(2, 4_050), 0, { limit: 5, remaining: 2, resetAt: 5_050 }],
    ["the first of a new window", { ...OPEN, resetAt: NOW }, left(4, 5_000), 0, {
      limit: 5,
      remaining: 4,
      resetAt: 6_000,
    }],
    ["another limit", OPEN, { ...left(2, 4_000), limit: 10 }, 0, {
      ...OPEN,
      limit: 10,
      remaining: 2,
    }],
    ["no word at all: it has taken its share", OPEN, {}, 0, { ...OPEN, remaining: 2 }],
    ["a 429 for a while", OPEN, refused, 300, { limit: 5, remaining: 0, resetAt: 5_000 }],
    ["a 429 for longer than the window", OPEN, refused, 9_000, {
      limit: 5,
      remaining: 0,
      resetAt: 10_000,
    }],
    ["a 429 while nothing was known", UNKNOWN, refused, 300, {
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
    ["a 429 for all: it took nothing here", OPEN, { refused: { isGlobal: true } }, 0, OPEN],
  ];
  for (const [name, before, limits, pauseMs, after] of rows) {
    it(name, () => assert.deepEqual(windowAfter(before, limits, pauseMs, NOW), after));
  }

  it("does not open what a 429 has closed for an answer that comes late", () => {
    const closed = windowAfter(OPEN, refused, 9_000, NOW);
    assert.equal(windowAfter(closed, left(3, 4_000), 0, NOW + 1).remaining, 0);
  });
});

describe("[D3] createBuckets()", () => {
  const [get, patch] = [routeOf("GET", "/channels/1/messages"), routeOf("PATCH", "/channels/1")];
  const told: Limits = { bucket: "b", limit: 5, left: { requests: 0, resetMs: 5_000 } };

  it("shares what Discord calls by one name", () => {
    const buckets = createBuckets();
    assert.notEqual(buckets.of(get), buckets.of(patch));
    buckets.update(get, told, 0, NOW);
    buckets.update(patch, { bucket: "b" }, 0, NOW);
    assert.equal(buckets.of(get), buckets.of(patch));
    assert.equal(availableAt(buckets.of(patch), NOW), 6_000);
  });

  it("does not share it between channels", () => {
    const buckets = createBuckets();
    buckets.update(get, told, 0, NOW);
    const other = buckets.of(routeOf("GET", "/channels/2/messages"));
    assert.notEqual(other, buckets.of(get));
    assert.equal(availableAt(other, NOW), NOW);
  });

  it("knows in every channel what it has learnt in one", () => {
    const buckets = createBuckets();
    buckets.update(get, told, 0, NOW);
    buckets.update(patch, told, 0, NOW);
    const in2 = [routeOf("GET", "/channels/2/messages"), routeOf("PATCH", "/channels/2")];
    assert.equal(new Set(in2.map(buckets.of)).size, 1);
  });

  it("keeps each queue to its own where one route has several buckets", () => {
    const buckets = createBuckets();
    buckets.update(get, told, 0, NOW);
    buckets.update(routeOf("GET", "/channels/2/messages"), { ...told, bucket: "c" }, 0, NOW);
    assert.equal(availableAt(buckets.of(get), NOW), 6_000);
  });

  it("takes what it knew along when it learns the name", () => {
    const buckets = createBuckets();
    const { bucket: _, ...nameless } = told;
    buckets.update(get, nameless, 0, NOW);
    buckets.update(get, { bucket: "b" }, 0, NOW);
    assert.equal(availableAt(buckets.of(get), NOW), 6_000);
  });

  it("forgets no limit that globalLimit, and nothing under way, however many queues there are", () => {
    const buckets = createBuckets();
    buckets.update(get, told, 0, NOW);
    const busy = buckets.of(patch);
    busy.inFlight = 1;
    for (let n = 10; n < 2_000; n++) {
      buckets.update(routeOf("GET", `/channels/${n}/messages`), { bucket: "b" }, 0, NOW);
    }
    assert.equal(availableAt(buckets.of(get), NOW), 6_000);
    assert.equal(buckets.of(patch), busy);
  });

  it("forgets the rest", () => {
    const buckets = createBuckets();
    const first = buckets.of(get);
    for (let n = 10; n < 2_000; n++) {
      buckets.update(routeOf("GET", `/channels/${n}/messages`), {}, 0, NOW);
    }
    assert.notEqual(buckets.of(get), first);
  });

  it("forgets names, where each answer says another", () => {
    const buckets = createBuckets();
    const first = buckets.update(get, { bucket: "0" }, 0, NOW);
    for (let n = 1; n < 2_000; n++) buckets.update(get, { bucket: `${n}` }, 0, NOW);
    assert.notEqual(buckets.update(patch, { bucket: "0" }, 0, NOW), first);
  });
});
