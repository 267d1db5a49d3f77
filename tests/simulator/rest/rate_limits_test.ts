import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRateLimits, DEFAULT_RATE_LIMITS } from "../../../simulator/rest/rate_limits.ts";

const NOW = Date.UTC(2026, 0, 1);
const CREATE = ["POST", "/channels/:id/messages"] as const;

describe("[D3] createRateLimits()", () => {
  it("never exceeds its windows, and never refuses a client that waits as told", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_500 }), { maxLength: 60 }), (waits) => {
        const limits = createRateLimits(DEFAULT_RATE_LIMITS);
        const passed: number[] = [];
        let now = NOW;
        for (const wait of waits) {
          now += wait;
          const first = limits.take(...CREATE, "/channels/1", now);
          if (first.retryAfterSec !== undefined) {
            now += Math.ceil(first.retryAfterSec * 1_000);
            assert.equal(limits.take(...CREATE, "/channels/1", now).retryAfterSec, undefined);
          }
          passed.push(now);
        }
        // a window opens with its first request, so any stretch of one window overlaps two at most
        for (const at of passed) {
          assert.ok(passed.filter((other) => other >= at && other < at + 5_000).length <= 10);
        }
      }),
    );
  });

  it("counts channels and routes separately", () => {
    const limits = createRateLimits(DEFAULT_RATE_LIMITS);
    for (let n = 0; n < 5; n += 1) limits.take(...CREATE, "/channels/1", NOW);
    assert.ok(limits.take(...CREATE, "/channels/1", NOW).retryAfterSec);
    assert.equal(limits.take(...CREATE, "/channels/2", NOW).retryAfterSec, undefined);
    assert.equal(limits.take("GET", CREATE[1], "/channels/1", NOW).retryAfterSec, undefined);
  });

  it("counts every route for the global limit, over any one second", () => {
    const limits = createRateLimits(DEFAULT_RATE_LIMITS);
    const take = (n: number, at: number) => limits.take("GET", "/users/:id", `/guilds/${n}`, at);
    for (let n = 0; n < 50; n += 1) assert.equal(take(n, NOW + n * 10).scope, undefined);
    const refused = take(50, NOW + 600);
    assert.equal(refused.scope, "global");
    assert.equal(refused.retryAfterSec, 0.4);
    assert.equal(refused.headers["X-RateLimit-Global"], "true");
    assert.equal(refused.headers["X-RateLimit-Bucket"], undefined);
    assert.equal(take(50, NOW + 1_000).scope, undefined);
  });

  it("counts adding and removing reactions in one bucket", () => {
    const limits = createRateLimits(DEFAULT_RATE_LIMITS);
    const route = "/channels/:id/messages/:id/reactions/:emoji/@me";
    const put = limits.take("PUT", route, "/channels/1", NOW);
    const removed = limits.take("DELETE", route, "/channels/1", NOW);
    assert.equal(put.headers["X-RateLimit-Bucket"], removed.headers["X-RateLimit-Bucket"]);
    assert.equal(removed.retryAfterSec, 0.25);
  });

  it("counts routes of an option in one bucket, with the limit of the first", () => {
    const typing = ["POST", "/channels/:id/typing"] as const;
    const sharedBuckets = [[CREATE.join(" "), typing.join(" ")]];
    const limits = createRateLimits({ ...DEFAULT_RATE_LIMITS, sharedBuckets });
    const created = limits.take(...CREATE, "/channels/1", NOW);
    const typed = limits.take(...typing, "/channels/1", NOW);
    assert.equal(created.headers["X-RateLimit-Bucket"], typed.headers["X-RateLimit-Bucket"]);
    assert.equal(typed.headers["X-RateLimit-Remaining"], "3");
    for (let n = 0; n < 3; n += 1) limits.take(...typing, "/channels/1", NOW);
    assert.equal(limits.take(...CREATE, "/channels/1", NOW).retryAfterSec, 5);
    assert.equal(limits.take(...CREATE, "/channels/2", NOW).retryAfterSec, undefined);
    const apart = createRateLimits(DEFAULT_RATE_LIMITS);
    assert.notEqual(
      apart.take(...typing, "/channels/1", NOW).headers["X-RateLimit-Bucket"],
      created.headers["X-RateLimit-Bucket"],
    );
  });

  it("sends no headers if limits are off", () => {
    const limits = createRateLimits({ ...DEFAULT_RATE_LIMITS, isEnabled: false });
    for (let n = 0; n < 100; n += 1) {
      assert.deepEqual(limits.take(...CREATE, "/channels/1", NOW), { headers: {} });
    }
  });
});
