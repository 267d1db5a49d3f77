import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RestError, type RestErrorKind } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { type Route, routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import type { BreakerState } from "../../../../src/discord/rest/scheduler/breaker.ts";
import {
  createDepartures,
  type DeparturesDeps,
  type Passage,
} from "../../../../src/discord/rest/scheduler/departures.ts";
import type { Limits } from "../../../../src/discord/rest/scheduler/limits.ts";
import type { Rank } from "../../../../src/discord/rest/scheduler/pace.ts";
import { createVirtualTime } from "../virtual_time.ts";

const A = routeOf("POST", "/channels/1/messages");
const B = routeOf("POST", "/channels/2/messages");

const closedFor = (retryMs: number): Limits => ({ refused: { isForAll: false, retryMs } });
const allFor = (retryMs: number): Limits => ({ refused: { isForAll: true, retryMs } });
const left = (requests: number, resetMs: number, limit = 5): Limits => ({
  bucket: "b",
  limit,
  left: { requests, resetMs },
});

function setUp(globalPerSec = 50, fields: Partial<DeparturesDeps> = {}) {
  const time = createVirtualTime();
  const startedAt = time.now();
  let state: BreakerState = "closed";
  let stoppedUntil = 0;
  const departures = createDepartures({
    globalPerSec,
    reservedPerSec: 0,
    retry: { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0 },
    breaker: { check: () => ({ state, stoppedForMs: Math.max(0, stoppedUntil - time.now()) }) },
    random: () => 0.5,
    now: time.now,
    steadyNow: time.now,
    schedule: time.schedule,
    ...fields,
  });
  const enter = (route: Route, rank: Rank = "reply", notAfter = Infinity) =>
    departures.enter(route, { rank, notAfter });
  /** Milliseconds after the start at which a request leaves; it is answered at once, by nothing. */
  const leaves = async (route: Route, rank: Rank = "reply", notAfter = Infinity) => {
    const passage = await enter(route, rank, notAfter);
    const at = time.now() - startedAt;
    passage.done();
    return at;
  };
  /** Lets a request leave, and be answered with these. */
  const answered = async (route: Route, limits: Limits) => {
    const passage = await time.run(enter(route));
    passage.note(limits);
    passage.done();
  };
  const setBreaker = (next: BreakerState, forMs = 0) => {
    state = next;
    stoppedUntil = time.now() + forMs;
  };
  return { time, startedAt, departures, enter, leaves, answered, setBreaker };
}

async function assertFails(promise: Promise<unknown>, kind: RestErrorKind, words: RegExp) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof RestError);
    assert.equal(error.kind, kind);
    assert.match(error.message, words);
    return true;
  });
}

describe("[D3] createDepartures()", () => {
  it("lets a request leave at once where nothing is known", async () => {
    const { time, leaves } = setUp();
    assert.equal(await time.run(leaves(A)), 0);
    assert.equal(time.pending, 0);
  });

  it("holds the lane that is limited, and no other", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, closedFor(300));
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [300, 0]);
  });

  it("holds all where all are limited", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, allFor(300));
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [300, 300]);
  });

  it("closes no bucket for a limit for all", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, left(3, 5_000));
    await answered(A, allFor(300));
    assert.equal(await time.run(leaves(A)), 300);
  });

  it("holds what was about to leave when a limit for all is met", async () => {
    const { time, enter, leaves } = setUp(1);
    const first = await time.run(enter(A));
    const second = leaves(B); // waits for its slot
    first.note(allFor(5_000));
    first.done();
    assert.equal(await time.run(second), 5_000);
  });

  it("waits for more than a timer can hold", async () => {
    const time = createVirtualTime();
    const { departures } = setUp(50, {
      now: time.now,
      steadyNow: time.now,
      schedule(run, ms) {
        assert.ok(ms < 2 ** 31, "a timer that would fire at once");
        return time.schedule(run, ms);
      },
    });
    const startedAt = time.now();
    const days30 = 30 * 24 * 60 * 60 * 1_000;
    const passage = await departures.enter(A, { rank: "reply", notAfter: Infinity });
    passage.note(closedFor(days30));
    passage.done();
    const notAfter = startedAt + 2 * days30;
    (await time.run(departures.enter(A, { rank: "reply", notAfter }))).done();
    assert.equal(time.now() - startedAt, days30);
    assert.equal(time.pending, 0);
  });

  it("lets the next of a lane leave when the one before has ended, and others at once", async () => {
    const { time, enter, leaves } = setUp();
    const first = await time.run(enter(A));
    const second = leaves(A);
    assert.equal(await time.run(leaves(B)), 0);
    time.schedule(() => first.done(), 700);
    assert.equal(await time.run(second), 700);
  });

  it("lets no newcomer take the slot of one that waits", async () => {
    const { time, leaves, enter } = setUp(1);
    await time.run(leaves(A));
    const order: string[] = [];
    const newcomer = Promise.withResolvers<void>();
    time.schedule(() => {
      newcomer.resolve(enter(A).then(() => void order.push("newcomer")));
    }, 1_020); // at the very moment at which the slot is free
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

  it("[D2] refuses at once what would leave too late, and says when to come back", async () => {
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

  it("[D2] refuses what waits as soon as a limit for all makes it too late", async () => {
    const { time, startedAt, enter, leaves } = setUp(1);
    const first = await time.run(enter(A));
    const waiting = assertFails(leaves(B, "reply", startedAt + 4_000), "rate_limited", /5 s more/);
    first.note(allFor(5_000));
    await waiting;
    assert.equal(time.now(), startedAt);
  });

  it("[D2] refuses what came too late through no limit of its own", async () => {
    const { time, startedAt, leaves } = setUp();
    await assertFails(leaves(A, "reply", startedAt - 1), "unsent", /its turn came too late/);
    const { time: slow, startedAt: then, leaves: leavesSlow } = setUp(1);
    await slow.run(leavesSlow(A));
    const late = slow.run(leavesSlow(B, "reply", then + 1_000));
    await assertFails(late, "unsent", /its turn came too late/);
    assert.deepEqual([time.pending, slow.pending], [0, 0]);
  });

  it("[D6] lets nobody wait beyond the time it has, behind one that is not answered", async () => {
    const { time, startedAt, enter, leaves } = setUp();
    const hangs = await time.run(enter(A));
    const late = leaves(A, "reply", startedAt + 500);
    const after = leaves(A);
    await assertFails(time.run(late), "unsent", /its turn came too late/);
    assert.equal(time.now() - startedAt, 501);
    hangs.done();
    assert.equal(await time.run(after), 501);
    assert.equal(time.pending, 0);
  });

  it("[D6] lets go of what is given up while it waits, and those behind it go on", async () => {
    const { time, departures, enter, leaves } = setUp();
    const first = await time.run(enter(A));
    const abort = new AbortController();
    const terms = { rank: "reply", notAfter: Infinity, signal: abort.signal } as const;
    const given = assertFails(departures.enter(A, terms), "unsent", /it was given up/);
    const after = leaves(A);
    assert.equal(departures.queued, 2);
    abort.abort();
    await given;
    assert.equal(departures.queued, 1);
    first.done();
    assert.equal(await time.run(after), 0);
    await assertFails(departures.enter(A, terms), "unsent", /it was given up/);
    assert.deepEqual([departures.queued, time.pending], [0, 0]);
  });

  it("lets nothing leave once it is closed, and wakes what waits", async () => {
    const { time, startedAt, departures, answered, leaves } = setUp(1);
    await answered(A, closedFor(1_000_000));
    const waiting = [leaves(A), leaves(B), leaves(B, "background")].map((passage) =>
      assertFails(passage, "unauthorized", /token/)
    );
    departures.close("unauthorized", "the token is wrong");
    departures.close("unsent", "a later reason does not count");
    await Promise.all(waiting);
    await assertFails(leaves(B), "unauthorized", /the token is wrong/);
    await assertFails(leaves(B, "spare"), "unauthorized", /the token is wrong/);
    assert.equal(time.now(), startedAt);
    assert.deepEqual([departures.queued, time.pending], [0, 0]);
  });

  it("does not trust a timer that fires early", async () => {
    const time = createVirtualTime();
    const { departures } = setUp(50, {
      now: time.now,
      steadyNow: time.now,
      schedule: (run, ms) => time.schedule(run, Math.ceil(ms / 2)),
    });
    const startedAt = time.now();
    const first = await departures.enter(A, { rank: "reply", notAfter: Infinity });
    first.note(closedFor(300));
    first.done();
    (await time.run(departures.enter(A, { rank: "reply", notAfter: startedAt + 400 }))).done();
    assert.equal(time.now() - startedAt, 300);
  });

  it("measures limits by the steady clock, whatever the other one does", async () => {
    const time = createVirtualTime();
    let wall = time.now();
    const { departures } = setUp(50, {
      now: () => wall,
      steadyNow: time.now,
      schedule: time.schedule,
    });
    const startedAt = time.now();
    const terms = { rank: "reply", notAfter: Infinity } as const;
    const first = await departures.enter(A, terms);
    first.note(closedFor(300));
    first.done();
    const passed = departures.enter(A, terms);
    wall += 1e9; // a Pi that learns the time of day
    await time.run(passed);
    assert.equal(time.now() - startedAt, 300);
  });
});

describe("[D3] createDepartures() with buckets", () => {
  /** Three lanes of one bucket, which Discord has said to be one. */
  async function shared(limits: Limits) {
    const all = setUp();
    const routes = ["GET", "PATCH", "DELETE"].map((method) => routeOf(method, "/channels/1"));
    for (const route of routes) await all.answered(route, { bucket: "b" });
    for (const route of routes.slice(0, 1)) await all.answered(route, limits);
    return { ...all, routes };
  }

  it("waits for the window to end where nothing is left", async () => {
    const { time, answered, leaves } = setUp();
    await answered(A, left(0, 2_000));
    assert.equal(await time.run(leaves(A)), 2_000);
  });

  it("never overdraws a bucket through several lanes", async () => {
    const { time, routes, enter } = await shared(left(2, 5_000));
    const passages = routes.map((route) => enter(route));
    const gone: Passage[] = [];
    for (const passage of passages) void passage.then((one) => gone.push(one));
    await time.run(Promise.all(passages.slice(0, 2)));
    assert.equal(gone.length, 2, "the third waits for the window to end");
    for (const passage of gone) passage.done();
    await time.run(Promise.all(passages));
    assert.equal(gone.length, 3);
  });

  it("sends one ahead where nobody can know, and the others on its answer", async () => {
    const { time, startedAt, routes, enter } = await shared({ bucket: "b" });
    const passages = routes.map((route) => enter(route));
    const first = await time.run(Promise.race(passages));
    const order: number[] = [];
    passages.forEach((passage, n) => void passage.then(() => order.push(n)));
    first.note(left(4, 5_000));
    await time.run(Promise.all(passages));
    assert.deepEqual(order, [0, 1, 2]);
    assert.equal(time.now(), startedAt, "nobody waits for the window");
  });

  it("gives the room back to no one else where an answer never came", async () => {
    const { time, routes, leaves } = await shared(left(1, 5_000));
    assert.equal(await time.run(leaves(routes[0] ?? A)), 0);
    assert.equal(await time.run(leaves(routes[1] ?? A)), 5_000);
  });
});

describe("[D3][D4] createDepartures() with ranks", () => {
  it("lets interactions go before replies, and these before the background", async () => {
    const { time, leaves } = setUp(1);
    await time.run(leaves(A));
    const order: string[] = [];
    const ranks: readonly Rank[] = ["background", "reply", "interaction"];
    await time.run(Promise.all(ranks.map(async (rank, n) => {
      await leaves(routeOf("GET", `/channels/${n}`), rank);
      order.push(rank);
    })));
    assert.deepEqual(order, ["interaction", "reply", "background"]);
  });

  it("keeps the reserved ones for interactions", async () => {
    const { time, leaves } = setUp(5, { reservedPerSec: 2 });
    const times = (rank: Rank, from: number) =>
      [0, 1, 2, 3].map((n) => leaves(routeOf("GET", `/channels/${from + n}`), rank));
    const replies = times("reply", 10);
    const interactions = times("interaction", 20).slice(0, 2);
    assert.deepEqual(await time.run(Promise.all(replies)), [0, 0, 0, 1_020]);
    assert.deepEqual(await time.run(Promise.all(interactions)), [0, 0]);
  });

  it("sends what is spare at once where there is room", async () => {
    const { time, leaves } = setUp();
    assert.equal(await time.run(leaves(A, "spare")), 0);
  });

  const busy: readonly [
    name: string,
    prepare: (all: ReturnType<typeof setUp>) => Promise<unknown>,
  ][] = [
    ["its lane is held", ({ time, enter }) => time.run(enter(A))],
    ["its lane is held, and its bucket has room", async ({ time, answered, enter }) => {
      await answered(A, left(4, 1_000));
      await time.run(enter(A));
    }],
    ["its bucket is used up", ({ answered }) => answered(A, left(0, 1_000))],
    ["its lane waits", async ({ answered, enter }) => {
      await answered(A, left(0, 1_000));
      void enter(A);
    }],
    ["a reply waits for its slot", async ({ time, leaves, enter }) => {
      const routes = Array.from({ length: 50 }, (_, n) => routeOf("GET", `/channels/${n + 9}`));
      await time.run(Promise.all(routes.map((route) => leaves(route, "interaction"))));
      void enter(B);
    }],
    ["most of the pace is used", async ({ time, leaves }) => {
      const routes = Array.from({ length: 38 }, (_, n) => routeOf("GET", `/channels/${n + 9}`));
      await time.run(Promise.all(routes.map((route) => leaves(route))));
    }],
    ["all is held back", ({ answered }) => answered(B, allFor(1_000))],
    ["there were too many invalid requests", ({ setBreaker }) => {
      setBreaker("slowed");
      return Promise.resolve();
    }],
  ];
  for (const [name, prepare] of busy) {
    it(`drops what is spare where ${name}`, async () => {
      const all = setUp();
      await prepare(all);
      const queued = all.departures.queued;
      await assertFails(all.leaves(A, "spare"), "unsent", /no room to spare/);
      assert.equal(all.departures.queued, queued);
    });
  }

  it("lets nothing wait behind what is spare but its own lane", async () => {
    const { time, enter, leaves } = setUp();
    await time.run(enter(routeOf("POST", "/channels/1/typing"), "spare")); // and hangs
    assert.equal(await time.run(leaves(A)), 0);
  });
});

describe("[D3] createDepartures() with the breaker", () => {
  it("slows replies, and no interactions", async () => {
    const { time, leaves, setBreaker } = setUp();
    setBreaker("slowed");
    const replies = [1, 2, 3].map((n) => leaves(routeOf("GET", `/channels/${n}`)));
    const others = [4, 5, 6].map((n) => leaves(routeOf("GET", `/channels/${n}`), "interaction"));
    assert.deepEqual(await time.run(Promise.all(others)), [0, 0, 0]);
    assert.deepEqual(await time.run(Promise.all(replies)), [0, 500, 1_000]);
  });

  it("lets nothing leave while it is stopped, and all by itself afterwards", async () => {
    const { time, leaves, setBreaker } = setUp();
    setBreaker("stopped", 60_000);
    time.schedule(() => setBreaker("closed"), 60_000);
    const passed = Promise.all([leaves(A), leaves(B, "interaction"), leaves(B, "background")]);
    assert.deepEqual(await time.run(passed), [60_000, 60_000, 60_000]);
  });

  it("tells those that cannot wait so long when it is worth coming back", async () => {
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

describe("[D5] Passage.again()", () => {
  it("goes before those behind it, after its wait, and holds no other lane", async () => {
    const { time, startedAt, enter, leaves } = setUp();
    const order: string[] = [];
    const first = await time.run(enter(A));
    const second = leaves(A).then(() => void order.push("second"));
    const again = first.again(500).then((passage) => {
      order.push(`again after ${time.now() - startedAt}`);
      passage.done();
    });
    assert.equal(await time.run(leaves(B)), 0);
    await time.run(Promise.all([second, again]));
    assert.deepEqual(order, ["again after 500", "second"]);
  });

  it("in the background it goes behind what has come meanwhile", async () => {
    const { time, enter, leaves } = setUp();
    const first = await time.run(enter(A, "background"));
    const again = first.again(500);
    assert.equal(await time.run(leaves(A)), 0);
    (await time.run(again)).done();
  });

  it("lets the next go where it may not go again", async () => {
    const { time, startedAt, departures, enter, leaves } = setUp();
    const abort = new AbortController();
    const first = await time.run(
      departures.enter(A, { rank: "reply", notAfter: Infinity, signal: abort.signal }),
    );
    const second = leaves(A);
    abort.abort();
    await assertFails(first.again(0), "unsent", /it was given up/);
    assert.equal(await time.run(second), 0);
    const third = await time.run(enter(A, "reply", startedAt + 400));
    const late = assertFails(third.again(500), "rate_limited", /1 s more/);
    assert.equal(await time.run(leaves(A)), 0);
    await late;
  });

  it("is refused to a passage that is over", async () => {
    const { time, enter } = setUp();
    const passage = await time.run(enter(A));
    passage.done();
    passage.done();
    await assert.rejects(passage.again(0), /the passage is over/);
  });
});

describe("[G6] createDepartures() in the background", () => {
  it("leaves half of the pace to what people wait for", async () => {
    const { time, startedAt, leaves } = setUp(10);
    const times: number[] = [];
    for (let n = 0; n < 6; n++) times.push(await time.run(leaves(A, "background")));
    assert.deepEqual(times, [0, 0, 0, 0, 0, 1_020]);
    assert.equal(await time.run(leaves(B)), time.now() - startedAt);
  });

  it("stays behind whatever waits for a slot, newcomers too, its own lane's too", async () => {
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

  it("waits out a limit for all, and no other lane's", async () => {
    const { time, startedAt, answered, enter, leaves } = setUp();
    await answered(A, closedFor(60_000));
    const held = leaves(A, "background");
    assert.equal(await time.run(leaves(B, "background")), 0);
    const other = await time.run(enter(B));
    other.note(allFor(300));
    other.done();
    assert.equal(await time.run(leaves(B, "background")), 300);
    await time.run(held);
    assert.equal(time.now() - startedAt, 60_000);
  });
});

describe("[D3] createDepartures() with 20,000 that wait", () => {
  const MANY = 20_000;
  for (
    const [name, channelOf] of [["one lane", () => 1], ["as many lanes", (n: number) => n]] as const
  ) {
    it(`lets go of them all when it is closed, and keeps nothing: ${name}`, async () => {
      const { time, departures, answered, leaves } = setUp();
      await answered(B, allFor(60_000));
      const failures = Array.from(
        { length: MANY },
        (_, n) =>
          departures.enter(routeOf("GET", `/channels/${channelOf(n)}`), {
            rank: "reply",
            notAfter: Infinity, // with many timers the test's clock is slow
          }).then(() => 0, () => 1),
      );
      assert.equal(departures.queued, MANY);
      departures.close("unsent", "stopping");
      const failed = (await Promise.all(failures)).reduce<number>((sum, one) => sum + one, 0);
      assert.equal(failed, MANY);
      assert.deepEqual([departures.queued, time.pending], [0, 0]);
      await assertFails(leaves(A), "unsent", /stopping/);
    });
  }
});
