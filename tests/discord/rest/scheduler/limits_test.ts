import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limitsOf, type ResponseLimits } from "../../../../src/discord/rest/scheduler/buckets.ts";
import { sameData } from "../../../support/same_data.ts";

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

describe("[D3] limitsOf()", () => {
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
    [
      "no longer than the longest timer",
      429,
      {},
      { retry_after: 1e12 },
      refusedForBucket(2 ** 31 - 1),
    ],
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
    [
      "429 without scope, by Discord",
      429,
      {},
      { retry_after: 1, global: false },
      refusedForBucket(1_000),
    ],
    [
      "429 shared, without Discord's body",
      429,
      { "x-ratelimit-scope": "shared", "retry-after": "2" },
      undefined,
      refusedForBucket(2_000),
    ],
    ["429 without any information", 429, {}, undefined, refusedForAll()],
    [
      "429 with a scope, without a time",
      429,
      { "x-ratelimit-scope": "user" },
      undefined,
      refusedForBucket(),
    ],
    ["429 with a time of 0", 429, { "retry-after": "0" }, { retry_after: 0 }, refusedForBucket()],
    [
      "429 with an invalid time",
      429,
      { "retry-after": "soon" },
      { retry_after: "1" },
      refusedForBucket(1_000),
    ],
    ["429 for ever", 429, { "retry-after": "Infinity" }, { retry_after: -1 }, refusedForBucket()],
    [
      "429 for a day is not cut",
      429,
      { "retry-after": "86400" },
      undefined,
      refusedForAll(86_400_000),
    ],
  ];
  for (const [name, status, headers, body, limits] of rows) {
    it(name, () => sameData(limitsOf(status, new Headers(headers), body), limits));
  }

  it("never waits less than the header or the body demands", () => {
    const seconds = fc.double({ min: 0.0001, max: 1e6, noNaN: true });
    fc.assert(fc.property(seconds, seconds, fc.boolean(), (header, body, isGlobal) => {
      const { refused } = limitsOf(
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
