import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  GLOBAL_WINDOW_MS,
  type Pause,
  pauseAfter,
  slotWaitMs,
} from "../../../src/discord/rest/schedule.ts";

type Row = readonly [
  name: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  pause: Pause,
];

const NONE = { laneMs: 0, allMs: 0 };
const lane = (laneMs: number) => ({ laneMs, allMs: 0 });
const all = (allMs: number) => ({ laneMs: 0, allMs });
const bucket = (remaining: string, resetAfter: string) => ({
  "x-ratelimit-bucket": "b",
  "x-ratelimit-remaining": remaining,
  "x-ratelimit-reset-after": resetAfter,
});

describe("[D3] pauseAfter()", () => {
  const rows: readonly Row[] = [
    ["no headers", 200, {}, {}, NONE],
    ["some left", 200, bucket("1", "5"), {}, NONE],
    ["none left", 200, bucket("0", "0.25"), {}, lane(250)],
    ["none left, after a refusal", 403, bucket("0", "2"), {}, lane(2_000)],
    ["none left, and no time", 200, { "x-ratelimit-remaining": "0" }, {}, NONE],
    ["part of a millisecond", 200, bucket("0", "0.0001"), {}, lane(1)],
    ["retry_after of no 429", 503, { "retry-after": "9" }, { retry_after: 9 }, NONE],
    ["no longer than a timer can", 429, {}, { retry_after: 1e12 }, lane(2 ** 31 - 1)],
    ["429 user", 429, { "x-ratelimit-scope": "user" }, { retry_after: 0.3 }, lane(300)],
    [
      "429 user, header longer",
      429,
      { "x-ratelimit-scope": "user", "retry-after": "1" },
      { retry_after: 0.3 },
      lane(1_000),
    ],
    [
      "429 user, body longer",
      429,
      { "x-ratelimit-scope": "user", "retry-after": "1" },
      { retry_after: 1.7 },
      lane(1_700),
    ],
    [
      "429 user, reset longest",
      429,
      { ...bucket("0", "3"), "x-ratelimit-scope": "user", "retry-after": "1" },
      { retry_after: 1.7 },
      lane(3_000),
    ],
    [
      "429 shared, reset shorter",
      429,
      { ...bucket("0", "0.2"), "x-ratelimit-scope": "shared", "retry-after": "2" },
      { retry_after: 2 },
      lane(2_000),
    ],
    [
      "429 global by scope",
      429,
      { "x-ratelimit-scope": "global", "retry-after": "2" },
      { retry_after: 1.5 },
      all(2_000),
    ],
    [
      "429 global by header",
      429,
      { "x-ratelimit-global": "true", "retry-after": "2" },
      {},
      all(2_000),
    ],
    ["429 global by body", 429, {}, { global: true, retry_after: 2 }, all(2_000)],
    [
      "429 global while the bucket is used up",
      429,
      { ...bucket("0", "4"), "x-ratelimit-scope": "global" },
      { retry_after: 2 },
      { laneMs: 4_000, allMs: 2_000 },
    ],
    ["429 Cloudflare", 429, { "retry-after": "30" }, undefined, all(30_000)],
    ["429 without scope, by Discord", 429, {}, { retry_after: 1, global: false }, lane(1_000)],
    [
      "429 shared, and no body of Discord's",
      429,
      { "x-ratelimit-scope": "shared", "retry-after": "2" },
      undefined,
      lane(2_000),
    ],
    ["429 without any time", 429, {}, undefined, NONE],
    ["429 with a time of 0", 429, { "retry-after": "0" }, { retry_after: 0 }, NONE],
    [
      "429 with a time that is none",
      429,
      { "retry-after": "soon" },
      { retry_after: "1" },
      lane(1_000),
    ],
    ["429 for ever", 429, { "retry-after": "Infinity" }, { retry_after: -1 }, NONE],
    ["429 for a day is not cut", 429, { "retry-after": "86400" }, undefined, all(86_400_000)],
  ];
  for (const [name, status, headers, body, pause] of rows) {
    it(name, () => assert.deepEqual(pauseAfter(status, new Headers(headers), body), pause));
  }

  it("never waits less than either time", () => {
    const seconds = fc.double({ min: 0.0001, max: 1e6, noNaN: true });
    fc.assert(fc.property(seconds, seconds, fc.boolean(), (header, body, isGlobal) => {
      const pause = pauseAfter(
        429,
        new Headers({
          "retry-after": String(header),
          "x-ratelimit-scope": isGlobal ? "global" : "user",
        }),
        { retry_after: body },
      );
      const ms = isGlobal ? pause.allMs : pause.laneMs;
      assert.ok(ms >= header * 1_000 && ms >= body * 1_000);
      assert.equal(isGlobal ? pause.laneMs : pause.allMs, 0);
    }));
  });
});

describe("[D3] slotWaitMs()", () => {
  const rows: readonly [starts: readonly number[], perSec: number, now: number, wait: number][] = [
    [[], 1, 0, 0],
    [[0], 2, 0, 0],
    [[0], 1, 0, GLOBAL_WINDOW_MS],
    [[0], 1, 20, GLOBAL_WINDOW_MS - 20],
    [[0], 1, GLOBAL_WINDOW_MS, 0],
    [[0], 1, 9_999, 0],
    [[0, 500], 2, 600, GLOBAL_WINDOW_MS - 600],
    [[0, 500], 1, 600, 500 + GLOBAL_WINDOW_MS - 600],
  ];
  for (const [starts, perSec, now, wait] of rows) {
    it(`waits ${wait} ms at ${now} for ${perSec}/s after [${starts}]`, () => {
      assert.equal(slotWaitMs(starts, perSec, now), wait);
    });
  }
});
