/**
 * Runs the client against Discord's limits, as the simulator enforces them, in virtual time. The
 * client is never refused, and hardly slower than the limits allow.
 */

import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createInvalidRequests } from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import { createClient, type RequestOptions } from "../../../src/discord/rest/client/client.ts";
import { RestError, routeOf } from "../../../src/discord/rest/exchange/exchange.ts";
import {
  createRateLimits,
  DEFAULT_RATE_LIMITS,
  type RateLimitOptions,
} from "../../../simulator/rest/rate_limits.ts";
import { TOKEN } from "./stub_discord.ts";
import { createVirtualTime } from "./virtual_time.ts";

/** Latencies in milliseconds, used in turn; the jitter stays within the margin of the pace. */
type Ways = readonly number[];

/** `takes` is a route as the simulator's limits know it, instead of each request's own. */
function setUp(
  limits: Partial<RateLimitOptions>,
  ways: Ways,
  unusedPerSec = 0,
  takes?: readonly [method: string, template: string, major: string],
) {
  const time = createVirtualTime();
  const startedAt = time.now();
  const rules = { ...DEFAULT_RATE_LIMITS, ...limits };
  const discord = createRateLimits(rules);
  const refusals: string[] = [];
  const arrivals: { readonly queue: string; readonly number: number }[] = [];
  let way = 0;
  const travel = () => time.sleep(ways[way++ % ways.length] ?? 0);

  async function fetch(url: string, init: RequestInit): Promise<Response> {
    await travel();
    const path = url.slice("http://discord.test/api/v10".length);
    const route = routeOf(init.method ?? "GET", path);
    const [method, template, major] = takes ?? [route.method, route.template, route.major];
    const { headers, retryAfterSec, scope } = discord.take(method, template, major, time.now());
    const [, number] = /n=(\d+)/.exec(path) ?? [];
    arrivals.push({ queue: route.queueKey, number: Number(number ?? arrivals.length) });
    if (retryAfterSec !== undefined) refusals.push(`${scope} ${path} ${time.now() - startedAt}`);
    await travel();
    return retryAfterSec === undefined
      ? new Response('{"id":"1400000000000000001"}', { headers })
      : Response.json({ retry_after: retryAfterSec }, { status: 429, headers });
  }

  const client = createClient({
    token: TOKEN,
    apiUrl: "http://discord.test/api",
    version: "1.2.3",
    timeoutMs: 15_000,
    globalPerSec: rules.globalPerSec,
    unusedPerSec,
    retry: { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 },
    invalidRequests: createInvalidRequests(),
    random: () => 0.5,
    now: time.now,
    steadyNow: time.now,
    schedule: time.schedule,
    fetch,
  });
  const elapsed = () => time.now() - startedAt;
  return { time, client, refusals, arrivals, elapsed };
}

/** Minimum milliseconds for a number of requests, if a window allows `requests` of them. */
function floorMs(count: number, requests: number, windowMs: number): number {
  return count === 0 ? 0 : Math.floor((count - 1) / requests) * windowMs;
}

const ways = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 });

describe("[D3] createClient() against Discord's limits", () => {
  const kinds = {
    post: ["POST", "messages"],
    edit: ["PATCH", "messages/9"],
    read: ["GET", "messages"],
    react: ["PUT", "messages/9/reactions/x/@me"],
    unreact: ["DELETE", "messages/9/reactions/x/@me"],
  } as const;
  const request = fc.record({
    kind: fc.constantFrom("post", "post", "edit", "read", "react", "unreact"),
    channel: fc.integer({ min: 1, max: 4 }),
    priority: fc.constantFrom(undefined, undefined, "interaction", "background", "spare"),
  });
  const limit = fc.record({
    requests: fc.integer({ min: 1, max: 6 }),
    windowMs: fc.integer({ min: 1_000, max: 6_000 }),
  });

  it("is never refused, keeps each queue's order, and is at most a tenth slower than the buckets allow", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 60 }),
        fc.record({ createMessage: limit, reaction: limit, other: limit }),
        ways,
        async (requests, limits, ways) => {
          const all = { ...limits, globalPerSec: 1_000 };
          const { time, client, refusals, arrivals, elapsed } = setUp(all, ways);
          const settled = await time.run(
            Promise.allSettled(requests.map(({ kind, channel, priority }, number) => {
              const [method, path] = kinds[kind];
              const options: RequestOptions = priority ? { priority } : {};
              return client.request(method, `/channels/${channel}/${path}?n=${number}`, options);
            })),
          );
          assert.deepEqual(refusals, []);
          for (const [n, outcome] of settled.entries()) {
            if (outcome.status === "fulfilled") continue;
            assert.equal(requests[n]?.priority, "spare");
            assert.ok(outcome.reason instanceof RestError && outcome.reason.kind === "unsent");
          }
          // Background requests let others of their queue pass; the rest keeps its order.
          const inFront = (n: number) => requests[n]?.priority !== "background";
          const latest = new Map<string, number>();
          for (const { queue, number } of arrivals.filter(({ number }) => inFront(number))) {
            assert.ok(number >= (latest.get(queue) ?? 0), `${number} overtook another`);
            latest.set(queue, number);
          }
          const counts = new Map<string, number>();
          for (const { queue } of arrivals) counts.set(queue, (counts.get(queue) ?? 0) + 1);
          const floor = Math.max(...[...counts].map(([queue, count]) => {
            const { requests, windowMs } = queue.startsWith("POST")
              ? limits.createMessage
              : queue.includes("reactions")
              ? limits.reaction
              : limits.other;
            return floorMs(count, requests, windowMs);
          }));
          // A queue waits for each response, and its last window can begin with a round trip.
          const roundTrips = 20 * Math.max(...counts.values());
          assert.ok(elapsed() <= 1.1 * floor + roundTrips, `${elapsed()} ms, at least ${floor}`);
          assert.equal(time.pending, 0, "a timer is left");
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is never refused, and is at most a tenth slower than the global limit allows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 150 }),
        ways,
        async (globalPerSec, starts, ways) => {
          const { time, client, refusals, elapsed } = setUp({ globalPerSec }, ways);
          await time.run(Promise.all(starts.map(async (ms, channel) => {
            if (ms > 1_500) await time.sleep(ms); // half of them start at once
            await client.request("GET", `/channels/${channel}`);
          })));
          assert.deepEqual(refusals, []);
          const floor = floorMs(starts.length, globalPerSec, 1_000);
          const lastMs = Math.max(...starts);
          assert.ok(elapsed() <= Math.max(1.1 * floor, lastMs + 1.1 * floor) + 1_020 + 20);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("never exceeds a bucket that several routes share, once Discord has named it", async () => {
    // In the simulator no two queues share a bucket, so this Discord has one bucket for all methods.
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("GET" as const, "PATCH" as const, "DELETE" as const), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 6 }),
        ways,
        async (methods, requests, ways) => {
          const limits = { globalPerSec: 1_000, other: { requests, windowMs: 2_000 } };
          const all = setUp(limits, ways, 0, ["GET", "/channels/:id", "1"]);
          const { time, client, refusals } = all;
          for (const method of ["GET", "PATCH", "DELETE"] as const) {
            await time.run(client.request(method, "/channels/1"));
            await time.run(time.sleep(2_100)); // the client knows the bucket names
          }
          refusals.length = 0;
          const startedAt = time.now();
          await time.run(
            Promise.all(methods.map((method) => client.request(method, "/channels/1"))),
          );
          assert.deepEqual(refusals, []);
          const floor = floorMs(methods.length, requests, 2_000);
          const took = time.now() - startedAt;
          assert.ok(took <= 1.1 * floor + 20 * methods.length, `${took} ms, at least ${floor}`);
        },
      ),
      { numRuns: 100 },
    );
  });

  const FLOOR_MS = 19_000;
  const runs: readonly [boolean, number][] = [[false, 0], [false, 2], [true, 0], [true, 2]];
  for (const [acks, unusedPerSec] of runs) {
    it(`[B11] sends 1,000 replies to 50 channels within 1.10 × the floor, acks ${acks}, unused ${unusedPerSec}`, async () => {
      const jitter = Array.from({ length: 97 }, (_, n) => (n * 37) % 5 + 1);
      const { time, client, refusals, elapsed } = setUp({}, jitter, unusedPerSec);
      let acked = 0;
      await time.run(Promise.all(Array.from({ length: 50 }, async (_, channel) => {
        for (let n = 0; n < 20; n++) {
          if (acks) {
            const path = `/channels/${channel}/messages/${n}/reactions/x/@me`;
            void client.request("PUT", path, { priority: "spare" }).then(
              () => acked++,
              () => undefined,
            );
          }
          await client.request("POST", `/channels/${channel}/messages`, { body: { content: "x" } });
        }
      })));
      assert.deepEqual(refusals, []);
      assert.ok(elapsed() >= FLOOR_MS && elapsed() <= 1.1 * FLOOR_MS, `${elapsed()} ms`);
      assert.equal(acked > 0, acks);
    });
  }
});
