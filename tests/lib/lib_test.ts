import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { compareVersions, VERSION_FORM } from "../../src/features/upgrade/release.ts";
import { createBySecrets, createLoader, createNewestSet } from "../../src/lib/cache.ts";
import { createKeyedQueue, whileAwake } from "../../src/lib/clock.ts";
import { createHold } from "../../src/lib/hold.ts";
import { isSameBoot, withHome } from "../../src/lib/env.ts";
import { createPlaces } from "../../src/lib/places.ts";
import { createSecretFilter } from "../../src/render/safety/secrets.ts";
import { FakeClock } from "../support/fake_clock.ts";

describe("createNewestSet()", () => {
  it("keeps the newest members, up to its maximum", () => {
    const newest = createNewestSet<number>(3);
    for (const member of [1, 2, 3, 1, 4]) newest.add(member);
    assert.equal(newest.size, 3);
    assert.deepEqual([1, 2, 3, 4].filter(newest.has), [1, 3, 4]);
  });
});

describe("[SEC-R10] [C9] createBySecrets()", () => {
  const first = "first-secret-of-all-4711";
  const second = "second-secret-read-later-4712";

  it("includes a secret as soon as a config brings it", () => {
    let secrets = [first];
    const clean = createBySecrets(() => secrets, createSecretFilter);
    assert.equal(clean(`${first} ${second}`).found, 1);
    secrets = [first, second];
    assert.equal(clean(`${first} ${second}`).found, 2);
  });

  it("creates nothing before the first text, and nothing again without a new secret", () => {
    let made = 0;
    const length = createBySecrets(() => [first], (secrets) => {
      made++;
      return () => secrets.length;
    });
    assert.equal(made, 0);
    assert.deepEqual([length("a"), length("b"), made], [1, 1, 1]);
  });
});

describe("a loader", () => {
  it("loads at the first use, once", async () => {
    let loads = 0;
    const loader = createLoader(() => Promise.resolve(++loads));
    assert.equal(loader.loading(), undefined);
    const first = loader.get();
    assert.equal(loader.loading(), first);
    assert.deepEqual(await Promise.all([first, loader.get()]), [1, 1]);
    assert.equal(await loader.get(), 1);
  });

  it("rejects each call that waited for a failed load, and the next call tries again", async () => {
    let loads = 0;
    const loader = createLoader(() =>
      ++loads === 1 ? Promise.reject(new Error("no such file")) : Promise.resolve(loads)
    );
    const calls = [loader.get(), loader.get()];
    for (const call of calls) await assert.rejects(call, /no such file/);
    assert.equal(loader.loading(), undefined);
    assert.equal(await loader.get(), 2);
  });
});

describe("[T1] whileAwake()", () => {
  it("counts a second at most of a sleep, and no more than half of the rest", () => {
    const ms = fc.integer({ min: 1, max: 600_000 });
    fc.assert(fc.property(ms, ms, ms, (limitMs, awakeMs, asleepMs) => {
      const clock = new FakeClock();
      let isOver = false;
      whileAwake(clock.schedule)(() => isOver = true, limitMs);
      clock.advance(awakeMs);
      assert.equal(isOver, awakeMs >= limitMs);
      if (isOver || limitMs - awakeMs < 20) return;
      clock.sleep(asleepMs);
      const leftMs = limitMs - awakeMs;
      clock.advance(Math.max(leftMs / 2 - 20, leftMs - 1_000) - 1);
      assert.equal(isOver, false);
      clock.advance(leftMs);
      assert.ok(isOver);
      assert.equal(clock.pending, 0);
    }));
  });
});

describe("createHold()", () => {
  it("holds calls of all its functions, and makes them in their order", () => {
    const seen: string[] = [];
    const hold = createHold();
    const one = hold.wrap((count: number) => void seen.push(`one ${count}`));
    const other = hold.wrap((name: string) => void seen.push(`other ${name}`));
    one(1);
    other("a");
    one(2);
    assert.deepEqual(seen, []);
    assert.equal(hold.isHolding, true);
    hold.release();
    assert.deepEqual(seen, ["one 1", "other a", "one 2"]);
    assert.equal(hold.isHolding, false);
    one(3);
    assert.equal(seen.at(-1), "one 3", "at once after the release");
  });

  it("makes a call that a held call causes after the other held ones", () => {
    const seen: number[] = [];
    const hold = createHold();
    const call = hold.wrap((count: number) => {
      seen.push(count);
      if (count === 1) call(3);
    });
    call(1);
    call(2);
    hold.release();
    assert.deepEqual(seen, [1, 2, 3]);
  });

  it("keeps the other calls if one of them throws", () => {
    const seen: number[] = [];
    const hold = createHold();
    const call = hold.wrap((count: number) => {
      if (count === 1) throw new TypeError("one");
      seen.push(count);
    });
    call(1);
    call(2);
    assert.throws(() => hold.release(), TypeError);
    assert.deepEqual(seen, []);
    hold.release();
    assert.deepEqual(seen, [2]);
  });
});

const KERNEL = "5f2c0011-2233-4455-6677-8899aabbccdd";
const SYSTEMD = "5f2c00112233445566778899aabbccdd";

describe("[G11] isSameBoot()", () => {
  const CASES: readonly (readonly [string | undefined, string | undefined, boolean | undefined])[] =
    [
      [KERNEL, KERNEL, true],
      [KERNEL, SYSTEMD, true],
      [SYSTEMD, KERNEL, true],
      [SYSTEMD.toUpperCase(), KERNEL, true],
      [KERNEL, SYSTEMD.replace("5", "6"), false],
      [undefined, SYSTEMD, undefined],
      [KERNEL, undefined, undefined],
      [undefined, undefined, undefined],
    ];
  for (const [one, other, same] of CASES) {
    it(`is ${same} of ${one} and ${other}`, () => assert.equal(isSameBoot(one, other), same));
  }
});

describe("[C1] withHome()", () => {
  const CASES: readonly (readonly [path: string, expected: string])[] = [
    ["~/.openclaw/workspace", "/home/ada/.openclaw/workspace"],
    ["~", "/home/ada"],
    ["~\\skills", "/home/ada\\skills"],
    ["~grace/skills", "~grace/skills"],
    ["a/~/b", "a/~/b"],
    ["/srv/~", "/srv/~"],
    ["", ""],
  ];
  for (const [path, expected] of CASES) {
    it(`of ${path} is ${expected}`, () => assert.equal(withHome(path, "/home/ada"), expected));
  }

  it("leaves a path as it is without a home folder", () => {
    assert.equal(withHome("~/a"), "~/a");
  });
});

describe("[C9] [T3] createKeyedQueue()", () => {
  it("runs the tasks of one key in order, and those of another key in parallel", async () => {
    const log: string[] = [];
    const first = Promise.withResolvers<void>();
    const queue = createKeyedQueue<string>();
    const task = (name: string, until = Promise.resolve()) => async () => {
      log.push(`${name} begins`);
      await until;
      log.push(`${name} ends`);
    };
    const done = [
      queue.run("a", task("a1", first.promise)),
      queue.run("a", task("a2")),
      queue.run("b", task("b1")),
    ];
    await done[2];
    assert.deepEqual(log, ["a1 begins", "b1 begins", "b1 ends"]);
    first.resolve();
    await queue.idle();
    assert.deepEqual(log.slice(3), ["a1 ends", "a2 begins", "a2 ends"]);
  });

  it("goes on after a task that fails, and returns each task's result", async () => {
    const queue = createKeyedQueue<string>();
    const failed = queue.run("a", () => Promise.reject(new Error("no")));
    const next = queue.run("a", () => Promise.resolve(1));
    await assert.rejects(failed, /no/);
    assert.equal(await next, 1);
  });
});

const { signal } = new AbortController();

describe("[SEC-R22] createPlaces()", () => {
  it("gives places in the order of the requests", async () => {
    const places = createPlaces(2);
    const log: string[] = [];
    const take = async (name: string) => {
      const free = await places.take(signal);
      log.push(name);
      return free;
    };
    const [first, second, third] = ["a", "b", "c"].map(take);
    const [freeA, freeB] = await Promise.all([first, second]);
    const fourth = take("d");
    await setImmediate();
    assert.deepEqual(log, ["a", "b"]);
    freeB?.();
    const freeC = await third;
    const fifth = take("e");
    assert.deepEqual(log, ["a", "b", "c"]);
    freeA?.();
    freeC?.();
    await Promise.all([fourth, fifth]);
    assert.deepEqual(log, ["a", "b", "c", "d", "e"]);
  });

  it("gives each person one place at a time, and the others theirs meanwhile", async () => {
    const places = createPlaces(2);
    const log: string[] = [];
    const take = async (of?: string) => {
      const free = await places.take(signal, 1, of);
      log.push(of ?? "none");
      return free;
    };
    const [first, second, third, fourth] = ["a", "a", "b", undefined].map(take);
    const [freeFirst, freeThird] = await Promise.all([first, third]);
    await setImmediate();
    assert.deepEqual(log, ["a", "b"]);
    freeThird?.();
    await fourth;
    assert.deepEqual(log, ["a", "b", "none"]);
    freeFirst?.();
    await second;
    assert.deepEqual(log, ["a", "b", "none", "a"]);
  });

  it("takes a place back once only", async () => {
    const places = createPlaces(1);
    const free = await places.take(signal);
    free();
    free();
    await places.take(signal);
    let isTaken = false;
    void places.take(signal).then(() => isTaken = true);
    await setImmediate();
    assert.equal(isTaken, false);
  });

  it("gives no place to one that has gone, so none is lost", async () => {
    const places = createPlaces(1);
    const free = await places.take(signal);
    const gone = new AbortController();
    const left = [places.take(gone.signal), places.take(gone.signal)];
    const next = places.take(signal);
    gone.abort(new Error("the turn ended"));
    for (const one of left) await assert.rejects(one, /the turn ended/);
    free();
    (await next)();
    await assert.rejects(places.take(gone.signal), /the turn ended/);
    await places.take(signal);
  });

  it("[SEC-R25] gives several places at once, and more than there are to one alone", async () => {
    let turnovers = 0;
    const places = createPlaces(10, () => turnovers++);
    let taken = 0;
    const work = async (count: number) => {
      const free = await places.take(signal, count);
      taken += count;
      assert.ok(taken <= 10 || taken === count, `${taken} are taken`);
      await setImmediate();
      taken -= count;
      free();
    };
    await Promise.all([4, 7, 3, 25, 1, 9, 10].map(work));
    assert.deepEqual([taken, turnovers], [0, 4]);
  });
});

/** Oldest first: the example of semver.org, and more. */
const ORDER = [
  "no version",
  "0.9.9",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.10",
  "1.9.0",
  "1.10.0",
  "10.0.0",
];

describe("compareVersions()", () => {
  it("follows Semantic Versioning", () => {
    for (const [at, one] of ORDER.entries()) {
      for (const [other, against] of ORDER.entries()) {
        assert.equal(Math.sign(compareVersions(one, against)), Math.sign(at - other));
      }
    }
  });

  it("knows texts that are no version", () => {
    for (const text of ["1.0", "v1.0.0", "1.0.0+build", "01.0.0", "1.0.0-", "../1.0.0", "1.0.0 "]) {
      assert.equal(VERSION_FORM.test(text), false, text);
    }
  });
});
