import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  RestError,
  type RestErrorKind,
  type RestRoute,
  routeOf,
} from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  type BreakerState,
  createRateLimiter,
  GLOBAL_WINDOW_MS,
  INTERACTIONS_PER_SEC,
  type LimitOptions,
  type Priority,
} from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import type { ResponseLimits } from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import { DAY_MS } from "../../../../src/lib/clock.ts";
import { createVirtualTime } from "../virtual_time.ts";

const A = routeOf("POST", "/channels/1/messages");
const B = routeOf("POST", "/channels/2/messages");

const closedFor = (retryMs: number): ResponseLimits => ({ refused: { isGlobal: false, retryMs } });
const allFor = (retryMs: number): ResponseLimits => ({ refused: { isGlobal: true, retryMs } });
const left = (requests: number, resetMs: number, limit = 5): ResponseLimits => ({
  bucket: "b",
  limit,
  left: { requests, resetMs },
});

function setUp(globalPerSec = 50, fields: Partial<LimitOptions> = {}) {
  const time = createVirtualTime();
  const startedAt = time.now();
  let state: BreakerState = "closed";
  let stoppedUntil = 0;
  const rateLimiter = createRateLimiter({
    globalPerSec,
    unusedPerSec: 0,
    now: time.now,
    steadyNow: time.now,
    schedule: time.schedule,
    ...fields,
  }, () => ({ state, stoppedForMs: Math.max(0, stoppedUntil - time.now()) }));
  const acquire = (route: RestRoute, priority: Priority = "reply", notAfter = Infinity) =>
    rateLimiter.acquire(route, { priority, notAfter });
  /** Milliseconds from the start until a request leaves; it ends at once, without a response. */
  const leaves = async (route: RestRoute, priority: Priority = "reply", notAfter = Infinity) => {
    const permit = await acquire(route, priority, notAfter);
    const at = time.now() - startedAt;
    permit.release();
    return at;
  };
  /** Lets a request leave, and answers it with these limits. */
  const answered = async (route: RestRoute, limits: ResponseLimits) => {
    const permit = await time.run(acquire(route));
    permit.answered(limits);
    permit.release();
  };
  const setBreaker = (next: BreakerState, forMs = 0) => {
    state = next;
    stoppedUntil = time.now() + forMs;
  };
  return { time, startedAt, rateLimiter, acquire, leaves, answered, setBreaker };
}

async function assertFails(promise: Promise<unknown>, kind: RestErrorKind, words: RegExp) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof RestError);
    assert.equal(error.kind, kind);
    assert.match(error.message, words);
    return true;
  });
}

describe("[D3] createRateLimiter()", () => {
  it("tells the longest wait for a limit, while a request waits", async () => {
    const { time, rateLimiter, acquire, answered } = setUp();
    await answered(A, closedFor(20_000));
    assert.equal(rateLimiter.longestWaitMs(), 0, "no request waits");
    const waiting = acquire(A);
    assert.equal(Math.round(rateLimiter.longestWaitMs() / 1_000), 20);
    (await time.run(waiting)).release();
    assert.equal(rateLimiter.longestWaitMs(), 0);
    await answered(B, allFor(5_000));
    const later = acquire(A);
    assert.equal(Math.round(rateLimiter.longestWaitMs() / 1_000), 5);
    (await time.run(later)).release();
    assert.equal(rateLimiter.longestWaitMs(), 0);
  });

  it("tells the limit for which it refuses a request, until the limit ends", async () => {
    for (const limit of [closedFor(DAY_MS), allFor(DAY_MS)]) {
      const { time, rateLimiter, acquire, answered } = setUp();
      await answered(A, limit);
      await assertFails(acquire(A, "reply", time.now() + 180_000), "rate_limited", /86400 s/);
      assert.equal(rateLimiter.longestWaitMs(), DAY_MS);
      await time.run(time.sleep(DAY_MS));
      assert.equal(rateLimiter.longestWaitMs(), 0);
    }
  });

  it("lets a request leave at once if its bucket is unknown", async () => {
    const { time, leaves } = setUp();
    assert.equal(await time.run(leaves(A)), 0);
    assert.equal(time.pending, 0);
  });

  it("delays only the queue with the rate limit", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, closedFor(300));
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [300, 0]);
  });

  it("delays all queues for a global limit", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, allFor(300));
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [300, 300]);
  });

  it("closes no bucket for a global limit", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, left(3, 5_000));
    await answered(A, allFor(300));
    assert.equal(await time.run(leaves(A)), 300);
  });

  it("delays a request that waits for its slot when a global limit arrives", async () => {
    const { time, acquire, leaves } = setUp(1);
    const first = await time.run(acquire(A));
    const second = leaves(B); // waits for its slot
    first.answered(allFor(5_000));
    first.release();
    assert.equal(await time.run(second), 5_000);
  });

  it("lets a queue's next request leave when the previous one has ended, and other queues at once", async () => {
    const { time, acquire, leaves } = setUp();
    const first = await time.run(acquire(A));
    const second = leaves(A);
    assert.equal(await time.run(leaves(B)), 0);
    time.schedule(() => first.release(), 700);
    assert.equal(await time.run(second), 700);
  });

  it("lets no new request take the slot of a waiting one", async () => {
    const { time, leaves, acquire } = setUp(1);
    await time.run(leaves(A));
    const order: string[] = [];
    const newcomer = Promise.withResolvers<void>();
    time.schedule(() => {
      newcomer.resolve(acquire(A).then(() => void order.push("newcomer")));
    }, 1_020); // exactly when the slot is free
    const waiting = leaves(B).then(() => void order.push("waiting"));
    await time.run(Promise.all([waiting, newcomer.promise]));
    assert.deepEqual(order, ["waiting", "newcomer"]);
  });

  it("paces the whole bot, first come first served", async () => {
    const { time, leaves } = setUp(2);
    const routes = Array.from({ length: 5 }, (_, n) => routeOf("POST", `/channels/${n}/messages`));
    assert.deepEqual(await time.run(Promise.all(routes.map((route) => leaves(route)))), [
      0,
      0,
      1_020,
      1_020,
      2_040,
    ]);
  });

  it("[D4] lets a queue wait for at most one turn of each other queue", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(5), fc.nat(2_000), fc.nat(400)), { minLength: 1, maxLength: 60 }),
        async (requests) => {
          const { time, acquire } = setUp(5);
          /** For each queue that waits for the pace, the turns of others since it began to. */
          const waiting = new Map<number, number[]>();
          const open = new Map<number, number>();
          const one = async ([channel, afterMs, takesMs]: readonly [number, number, number]) => {
            await time.sleep(afterMs);
            open.set(channel, (open.get(channel) ?? 0) + 1);
            if (open.get(channel) === 1) waiting.set(channel, []);
            const permit = await acquire(routeOf("POST", `/channels/${channel + 1}/messages`));
            const turns = waiting.get(channel) ?? [];
            assert.equal(new Set(turns).size, turns.length, `${channel} waited for ${turns}`);
            waiting.delete(channel);
            for (const others of waiting.values()) others.push(channel);
            await time.sleep(takesMs);
            permit.release();
            open.set(channel, (open.get(channel) ?? 0) - 1);
            if ((open.get(channel) ?? 0) > 0) waiting.set(channel, []);
          };
          await time.run(Promise.all(requests.map(one)));
        },
      ),
      { numRuns: 300 },
    ));

  it("[D2] refuses a request at once if it cannot meet its deadline, with the time of a retry", async () => {
    const { time, startedAt, answered, leaves } = setUp();
    await answered(A, closedFor(60_001));
    const late = leaves(A, "reply", startedAt + 60_000);
    await assert.rejects(time.run(late), (error) => {
      assert.ok(error instanceof RestError);
      assert.equal(error.kind, "rate_limited");
      assert.equal(error.retryAfterMs, 60_001);
      return true;
    });
    assert.equal(time.now(), startedAt);
    assert.equal(await time.run(leaves(A, "reply", startedAt + 60_001)), 60_001);
  });

  it("[D2] refuses a waiting request as soon as a global limit exceeds its deadline", async () => {
    const { time, startedAt, acquire, leaves } = setUp(1);
    const first = await time.run(acquire(A));
    const waiting = assertFails(leaves(B, "reply", startedAt + 4_000), "rate_limited", /5 s more/);
    first.answered(allFor(5_000));
    await waiting;
    assert.equal(time.now(), startedAt);
  });

  it("[D2] refuses a request whose deadline passes without a rate limit", async () => {
    const { time, startedAt, leaves } = setUp();
    await assertFails(leaves(A, "reply", startedAt - 1), "unsent", /its turn came after its/);
    const { time: slow, startedAt: then, leaves: leavesSlow } = setUp(1);
    await slow.run(leavesSlow(A));
    const late = slow.run(leavesSlow(B, "reply", then + 1_000));
    await assertFails(late, "unsent", /its turn came after its deadline/);
    assert.deepEqual([time.pending, slow.pending], [0, 0]);
  });

  it("[D6] ends a wait at its deadline, behind a request without a response", async () => {
    const { time, startedAt, acquire, leaves } = setUp();
    const hangs = await time.run(acquire(A));
    const late = leaves(A, "reply", startedAt + 500);
    const after = leaves(A);
    await assertFails(time.run(late), "unsent", /its turn came after its deadline/);
    assert.equal(time.now() - startedAt, 501);
    hangs.release();
    assert.equal(await time.run(after), 501);
    assert.equal(time.pending, 0);
  });

  it("[D6] ends the wait of a cancelled request, and the requests behind it continue", async () => {
    const { time, rateLimiter, acquire, leaves } = setUp();
    const first = await time.run(acquire(A));
    const abort = new AbortController();
    const options = { priority: "reply", notAfter: Infinity, signal: abort.signal } as const;
    const cancelled = assertFails(rateLimiter.acquire(A, options), "unsent", /caller cancelled it/);
    const after = leaves(A);
    assert.equal(rateLimiter.queued, 2);
    abort.abort();
    await cancelled;
    assert.equal(rateLimiter.queued, 1);
    first.release();
    assert.equal(await time.run(after), 0);
    await assertFails(rateLimiter.acquire(A, options), "unsent", /the caller cancelled it/);
    assert.deepEqual([rateLimiter.queued, time.pending], [0, 0]);
  });

  it("refuses new and waiting requests once it is closed", async () => {
    const { time, startedAt, rateLimiter, answered, leaves } = setUp(1);
    await answered(A, closedFor(1_000_000));
    const waiting = [leaves(A), leaves(B), leaves(B, "background")].map((permit) =>
      assertFails(permit, "unauthorized", /token/)
    );
    rateLimiter.close("unauthorized", "the token is wrong");
    rateLimiter.close("unsent", "a later reason does not count");
    await Promise.all(waiting);
    await assertFails(leaves(B), "unauthorized", /the token is wrong/);
    await assertFails(leaves(B, "spare"), "unauthorized", /the token is wrong/);
    assert.equal(time.now(), startedAt);
    assert.deepEqual([rateLimiter.queued, time.pending], [0, 0]);
  });

  it("measures rate limits by the monotonic clock, despite changes of the wall clock", async () => {
    const time = createVirtualTime();
    let wall = time.now();
    const { rateLimiter } = setUp(50, {
      now: () => wall,
      steadyNow: time.now,
      schedule: time.schedule,
    });
    const startedAt = time.now();
    const options = { priority: "reply", notAfter: Infinity } as const;
    const first = await rateLimiter.acquire(A, options);
    first.answered(closedFor(300));
    first.release();
    const passed = rateLimiter.acquire(A, options);
    wall += 1e9; // a Raspberry Pi sets its wall clock
    await time.run(passed);
    assert.equal(time.now() - startedAt, 300);
  });
});

describe("[D3] createRateLimiter() with buckets", () => {
  /** Three queues of one bucket, which Discord has named. */
  async function shared(limits: ResponseLimits) {
    const all = setUp();
    const routes = ["GET", "PATCH", "DELETE"].map((method) => routeOf(method, "/channels/1"));
    for (const route of routes) await all.answered(route, { bucket: "b" });
    for (const route of routes.slice(0, 1)) await all.answered(route, limits);
    return { ...all, routes };
  }

  it("waits for the end of an exhausted window", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, left(0, 2_000));
    assert.equal(await time.run(leaves(A)), 2_000);
  });

  it("sends one request ahead if the room is unknown, and the others after its response", async () => {
    const { time, startedAt, routes, acquire } = await shared({ bucket: "b" });
    const permits = routes.map((route) => acquire(route));
    let granted = 0;
    for (const permit of permits) void permit.then(() => granted++);
    const first = await time.run(Promise.race(permits));
    assert.equal(granted, 1);
    first.answered(left(4, 5_000));
    await time.run(Promise.all(permits));
    assert.equal(time.now(), startedAt, "no request waits for the window");
  });

  it("counts a request without a response as taken", async () => {
    const { time, routes, leaves } = await shared(left(1, 5_000));
    assert.equal(await time.run(leaves(routes[0] ?? A)), 0);
    assert.equal(await time.run(leaves(routes[1] ?? A)), 5_000);
  });
});

describe("[D3][D4] createRateLimiter() with priorities", () => {
  it("lets interactions leave beside others, and replies before background requests", async () => {
    const { time, leaves } = setUp(1);
    await time.run(leaves(A));
    const order: string[] = [];
    const priorities: readonly Priority[] = ["background", "reply", "interaction"];
    await time.run(Promise.all(priorities.map(async (priority, n) => {
      await leaves(routeOf("GET", `/channels/${n}`), priority);
      order.push(priority);
    })));
    assert.deepEqual(order, ["interaction", "reply", "background"]);
  });

  it("leaves the margin unused", async () => {
    const { time, leaves } = setUp(5, { unusedPerSec: 2 });
    const replies = [0, 1, 2, 3].map((n) => leaves(routeOf("GET", `/channels/${10 + n}`)));
    assert.deepEqual(await time.run(Promise.all(replies)), [0, 0, 0, 1_020]);
  });

  it("[X4a] delays no reply while 10,000 answers to interactions wait, which leave 50 a second", async () => {
    const { time, leaves } = setUp();
    const flood = Array.from(
      { length: 10_000 },
      (_, n) => leaves(routeOf("POST", `/webhooks/99/token${n}`), "interaction"),
    );
    assert.equal(await time.run(leaves(A)), 0);
    assert.equal(await time.run(leaves(A, "background")), 0);
    await time.run(time.sleep(3_000));
    assert.equal(await time.run(leaves(B)), 3_000);
    const left = await time.run(Promise.all(flood));
    for (let second = 0; second < 200; second++) {
      const from = second * INTERACTIONS_PER_SEC;
      const ofSecond = new Set(left.slice(from, from + INTERACTIONS_PER_SEC));
      assert.deepEqual([...ofSecond], [second * GLOBAL_WINDOW_MS]);
    }
  });

  it("[X4a] lets an owner's answers leave beside those to others, and at a stop all of them", async () => {
    const { time, rateLimiter, leaves } = setUp();
    const flood = Array.from(
      { length: 10_000 },
      (_, n) => leaves(routeOf("POST", `/webhooks/99/token${n}`), "interaction"),
    );
    for (const n of [0, 1, 2]) {
      assert.equal(await time.run(leaves(routeOf("POST", `/webhooks/99/o${n}`), "privileged")), 0);
    }
    await time.run(time.sleep(3_000));
    rateLimiter.hurry();
    assert.equal(Math.max(...await time.run(Promise.all(flood))), 3_000);
  });

  it("[X4a] lets an answer to an interaction leave while replies wait for their slots", async () => {
    const { time, leaves } = setUp(1);
    const replies = Array.from({ length: 5 }, (_, n) => leaves(routeOf("GET", `/channels/${n}`)));
    assert.equal(await time.run(leaves(routeOf("POST", "/webhooks/99/t"), "interaction")), 0);
    await time.run(Promise.all(replies));
  });

  it("lets a spare request leave at once if there is capacity", async () => {
    const { time, leaves } = setUp();
    assert.equal(await time.run(leaves(A, "spare")), 0);
  });

  const busy: readonly [string, (all: ReturnType<typeof setUp>) => Promise<unknown>][] = [
    ["its queue is busy", ({ time, acquire }) => time.run(acquire(A))],
    ["its queue is busy, although its bucket has room", async ({ time, answered, acquire }) => {
      await answered(A, left(4, 1_000));
      await time.run(acquire(A));
    }],
    ["its bucket is exhausted", ({ answered }) => answered(A, left(0, 1_000))],
    ["its queue has a waiting request", async ({ answered, acquire }) => {
      await answered(A, left(0, 1_000));
      void acquire(A);
    }],
    ["a reply waits for its slot", async ({ time, leaves, acquire }) => {
      const routes = Array.from({ length: 50 }, (_, n) => routeOf("GET", `/channels/${n + 9}`));
      await time.run(Promise.all(routes.map((route) => leaves(route))));
      void acquire(B);
    }],
    ["most of the pace is used", async ({ time, leaves }) => {
      const routes = Array.from({ length: 38 }, (_, n) => routeOf("GET", `/channels/${n + 9}`));
      await time.run(Promise.all(routes.map((route) => leaves(route))));
    }],
    ["a global limit is in force", ({ answered }) => answered(B, allFor(1_000))],
    ["there were too many invalid requests", ({ setBreaker }) => {
      setBreaker("slowed");
      return Promise.resolve();
    }],
  ];
  for (const [name, prepare] of busy) {
    it(`refuses a spare request if ${name}`, async () => {
      const all = setUp();
      await prepare(all);
      const queued = all.rateLimiter.queued;
      await assertFails(all.leaves(A, "spare"), "unsent", /no spare capacity/);
      assert.equal(all.rateLimiter.queued, queued);
    });
  }

  it("lets only its own queue wait behind a spare request", async () => {
    const { time, acquire, leaves } = setUp();
    await time.run(acquire(routeOf("POST", "/channels/1/typing"), "spare")); // and hangs
    assert.equal(await time.run(leaves(A)), 0);
  });
});

describe("[D3] createRateLimiter() with the breaker", () => {
  it("slows replies, but not interactions", async () => {
    const { time, leaves, setBreaker } = setUp();
    setBreaker("slowed");
    const replies = [1, 2, 3].map((n) => leaves(routeOf("GET", `/channels/${n}`)));
    const others = [4, 5, 6].map((n) => leaves(routeOf("GET", `/channels/${n}`), "interaction"));
    assert.deepEqual(await time.run(Promise.all(others)), [0, 0, 0]);
    assert.deepEqual(await time.run(Promise.all(replies)), [0, 500, 1_000]);
  });

  it("lets no request leave while it is stopped, and all of them afterwards", async () => {
    const { time, leaves, setBreaker } = setUp();
    setBreaker("stopped", 60_000);
    time.schedule(() => setBreaker("closed"), 60_000);
    const passed = Promise.all([leaves(A), leaves(B, "interaction"), leaves(B, "background")]);
    assert.deepEqual(await time.run(passed), [60_000, 60_000, 60_000]);
  });

  it("refuses requests with an earlier deadline, with the time of a retry", async () => {
    const { time, startedAt, leaves, setBreaker } = setUp();
    setBreaker("stopped", 60_000);
    await assert.rejects(time.run(leaves(A, "reply", startedAt + 59_000)), (error) => {
      assert.ok(error instanceof RestError);
      assert.deepEqual([error.kind, error.retryAfterMs], ["rate_limited", 60_000]);
      return true;
    });
    assert.equal(time.now(), startedAt);
  });
});

describe("[D5] Permit.retry()", () => {
  it("leaves before the requests behind it, after its wait, and delays no other queue", async () => {
    const { time, startedAt, acquire, leaves } = setUp();
    const order: string[] = [];
    const first = await time.run(acquire(A));
    const second = leaves(A).then(() => void order.push("second"));
    const again = first.retry(500).then((permit) => {
      order.push(`again after ${time.now() - startedAt}`);
      permit.release();
    });
    assert.equal(await time.run(leaves(B)), 0);
    await time.run(Promise.all([second, again]));
    assert.deepEqual(order, ["again after 500", "second"]);
  });

  it("in the background, leaves after the requests that joined meanwhile", async () => {
    const { time, acquire, leaves } = setUp();
    const first = await time.run(acquire(A, "background"));
    const again = first.retry(500);
    assert.equal(await time.run(leaves(A)), 0);
    (await time.run(again)).release();
  });

  it("lets the next request leave if the retry is refused", async () => {
    const { time, startedAt, rateLimiter, acquire, leaves } = setUp();
    const abort = new AbortController();
    const first = await time.run(
      rateLimiter.acquire(A, { priority: "reply", notAfter: Infinity, signal: abort.signal }),
    );
    const second = leaves(A);
    abort.abort();
    await assertFails(first.retry(0), "unsent", /the caller cancelled it/);
    assert.equal(await time.run(second), 0);
    const third = await time.run(acquire(A, "reply", startedAt + 400));
    const late = assertFails(third.retry(500), "rate_limited", /1 s more/);
    assert.equal(await time.run(leaves(A)), 0);
    await late;
  });
});

describe("[G6] createRateLimiter() in the background", () => {
  it("leaves half of the pace to other requests", async () => {
    const { time, startedAt, leaves } = setUp(10);
    const times: number[] = [];
    for (let n = 0; n < 6; n++) times.push(await time.run(leaves(A, "background")));
    assert.deepEqual(times, [0, 0, 0, 0, 0, 1_020]);
    assert.equal(await time.run(leaves(B)), time.now() - startedAt);
  });

  it("leaves after all requests that wait for a slot, including new ones and those of its own queue", async () => {
    const { time, leaves } = setUp(1);
    await time.run(leaves(A));
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const background = leaves(A, "background").then(note("background"));
    const first = leaves(B).then(note("first"));
    const newcomers = ([[A, 500], [B, 1_500]] as const).map(([route, ms]) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      time.schedule(() => resolve(leaves(route).then(note(`after ${ms}`))), ms);
      return promise;
    });
    await time.run(Promise.all([background, first, ...newcomers]));
    assert.deepEqual(order, ["first", "after 500", "after 1500", "background"]);
  });

  it("waits for a global limit, and not for another queue's limit", async () => {
    const { time, startedAt, answered, acquire, leaves } = setUp();
    await answered(A, closedFor(60_000));
    const held = leaves(A, "background");
    assert.equal(await time.run(leaves(B, "background")), 0);
    const other = await time.run(acquire(B));
    other.answered(allFor(300));
    other.release();
    assert.equal(await time.run(leaves(B, "background")), 300);
    await time.run(held);
    assert.equal(time.now() - startedAt, 60_000);
  });
});
