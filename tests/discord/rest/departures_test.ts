import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDepartures } from "../../../src/discord/rest/departures.ts";
import { RestError, type RestErrorKind } from "../../../src/discord/rest/rest_error.ts";
import { type Route, routeOf } from "../../../src/discord/rest/route.ts";
import { createVirtualTime } from "./virtual_time.ts";

const A = routeOf("POST", "/channels/1/messages");
const B = routeOf("POST", "/channels/2/messages");

function setUp(globalPerSec = 50) {
  const time = createVirtualTime();
  const startedAt = time.now();
  const departures = createDepartures({
    globalPerSec,
    now: time.now,
    steadyNow: time.now,
    schedule: time.schedule,
  });
  /** Milliseconds after the start at which a request may leave. */
  const leaves = async (route: Route, notAfter?: number) => {
    await departures.pass(route, notAfter);
    return time.now() - startedAt;
  };
  return { time, startedAt, departures, leaves };
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
    const { time, departures, leaves } = setUp();
    departures.note(A, { laneMs: 300, allMs: 0 });
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [300, 0]);
  });

  it("holds all where all are limited", async () => {
    const { time, departures, leaves } = setUp();
    departures.note(A, { laneMs: 0, allMs: 300 });
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [300, 300]);
  });

  it("takes the longer of two limits, whichever came first", async () => {
    const { time, departures, leaves } = setUp();
    departures.note(A, { laneMs: 800, allMs: 500 });
    departures.note(A, { laneMs: 200, allMs: 100 });
    departures.note(B, { laneMs: 300, allMs: 0 });
    assert.deepEqual(await time.run(Promise.all([leaves(A), leaves(B)])), [800, 500]);
  });

  it("holds what was about to leave when a limit for all is met", async () => {
    const { time, departures, leaves } = setUp(1);
    await time.run(leaves(A));
    const second = leaves(B); // waits for its slot
    departures.note(A, { laneMs: 0, allMs: 5_000 });
    assert.equal(await time.run(second), 5_000);
  });

  it("waits for more than a timer can hold", async () => {
    const time = createVirtualTime();
    const startedAt = time.now();
    const departures = createDepartures({
      globalPerSec: 50,
      now: time.now,
      steadyNow: time.now,
      schedule(run, ms) {
        assert.ok(ms < 2 ** 31, "a timer that would fire at once");
        return time.schedule(run, ms);
      },
    });
    const days30 = 30 * 24 * 60 * 60 * 1_000;
    departures.note(A, { laneMs: days30, allMs: 0 });
    await time.run(departures.pass(A));
    assert.equal(time.now() - startedAt, days30);
  });

  it("forgets no limit that still holds, however many lanes there are", async () => {
    const { time, departures, leaves } = setUp();
    departures.note(A, { laneMs: 300, allMs: 0 });
    for (let n = 10; n < 1_000; n++) {
      departures.note(routeOf("POST", `/channels/${n}/messages`), { laneMs: 1, allMs: 0 });
    }
    assert.equal(await time.run(leaves(A)), 300);
  });

  it("lets no newcomer take the slot of one that waits", async () => {
    const { time, departures, leaves } = setUp(1);
    await time.run(leaves(A));
    const order: string[] = [];
    const newcomer = Promise.withResolvers<void>();
    time.schedule(() => {
      newcomer.resolve(departures.pass(A).then(() => void order.push("newcomer")));
    }, 1_020); // at the very moment at which the slot is free
    const waiting = departures.pass(B).then(() => void order.push("waiting"));
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
    const { time, startedAt, departures, leaves } = setUp();
    departures.note(A, { laneMs: 60_001, allMs: 0 });
    const late = leaves(A, startedAt + 60_000);
    await assert.rejects(time.run(late), (error) => {
      assert.ok(error instanceof RestError);
      assert.equal(error.kind, "rate_limited");
      assert.equal(error.retryAfterMs, 60_001);
      return true;
    });
    assert.equal(time.now(), startedAt);
    assert.equal(await time.run(leaves(A, startedAt + 60_001)), 60_001);
  });

  it("[D2] refuses what came too late through no limit of its own", async () => {
    const { time, startedAt, departures } = setUp();
    await assertFails(departures.pass(A, startedAt - 1), "unsent", /its turn came too late/);
    const { time: slow, startedAt: then, leaves } = setUp(1);
    await slow.run(leaves(A));
    await assertFails(slow.run(leaves(B, then + 1_000)), "unsent", /its turn came too late/);
    assert.equal(time.pending, 0);
  });

  it("[D3] lets nothing leave once it is closed, and wakes what waits", async () => {
    const { time, startedAt, departures, leaves } = setUp(1);
    await time.run(leaves(A));
    departures.note(A, { laneMs: 1_000_000, allMs: 0 });
    const waiting = [leaves(A), leaves(B)].map((pass) =>
      assertFails(pass, "unauthorized", /token/)
    );
    departures.close("unauthorized", "the token is wrong");
    departures.close("unsent", "a later reason does not count");
    await Promise.all(waiting);
    await assertFails(leaves(B), "unauthorized", /the token is wrong/);
    assert.equal(time.now(), startedAt);
    assert.equal(time.pending, 0);
  });

  it("does not trust a timer that fires early", async () => {
    const time = createVirtualTime();
    const departures = createDepartures({
      globalPerSec: 50,
      now: time.now,
      steadyNow: time.now,
      schedule: (run, ms) => time.schedule(run, Math.ceil(ms / 2)),
    });
    const startedAt = time.now();
    departures.note(A, { laneMs: 300, allMs: 0 });
    await time.run(departures.pass(A));
    assert.equal(time.now() - startedAt, 300);
  });

  it("measures limits by the steady clock, whatever the other one does", async () => {
    const time = createVirtualTime();
    let wall = time.now();
    const departures = createDepartures({
      globalPerSec: 50,
      now: () => wall,
      steadyNow: time.now,
      schedule: time.schedule,
    });
    const startedAt = time.now();
    departures.note(A, { laneMs: 300, allMs: 0 });
    const passed = departures.pass(A);
    wall += 1e9; // a Pi that learns the time of day
    await time.run(passed);
    assert.equal(time.now() - startedAt, 300);
  });
});

describe("[G6] createDepartures().quiet()", () => {
  it("holds nothing back where nothing leaves", async () => {
    const { time, departures } = setUp();
    await departures.quiet();
    assert.equal(time.pending, 0);
  });

  it("leaves half of the pace to what people wait for", async () => {
    const { time, startedAt, departures } = setUp(10);
    const leave = async () => {
      await departures.quiet();
      await departures.pass(A);
      return time.now() - startedAt;
    };
    const left: number[] = [];
    for (let n = 0; n < 6; n++) left.push(await time.run(leave()));
    assert.deepEqual(left, [0, 0, 0, 0, 0, 1_020]);
    assert.equal(await time.run(departures.pass(B).then(() => time.now() - startedAt)), 1_020);
  });

  it("stays behind whatever waits for a slot, newcomers too", async () => {
    const { time, departures } = setUp(1);
    await time.run(departures.pass(A));
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const background = departures.quiet().then(() => departures.pass(A)).then(note("background"));
    const first = departures.pass(B).then(note("first"));
    const newcomers = [500, 1_500].map((ms) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      time.schedule(() => resolve(departures.pass(B).then(note(`after ${ms}`))), ms);
      return promise;
    });
    await time.run(Promise.all([background, first, ...newcomers]));
    assert.deepEqual(order, ["first", "after 500", "after 1500", "background"]);
  });

  it("waits out a limit for all, and no other lane's", async () => {
    const { time, startedAt, departures } = setUp();
    departures.note(A, { laneMs: 60_000, allMs: 0 });
    const held = departures.pass(A);
    await departures.quiet();
    assert.equal(time.now(), startedAt);
    departures.note(B, { laneMs: 0, allMs: 300 });
    await time.run(departures.quiet());
    assert.equal(time.now() - startedAt, 300);
    await time.run(held);
  });

  it("lets go of what waits once the gates are closed", async () => {
    const { time, departures } = setUp();
    departures.note(B, { laneMs: 0, allMs: 60_000 });
    const waiting = departures.quiet();
    departures.close("unsent", "stopping");
    await waiting;
    assert.equal(time.pending, 0);
  });
});
