import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { describe, it } from "node:test";
import { createPlaces } from "../../src/lib/places.ts";

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
