import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createErrands } from "../../src/flows/errands.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";

function setUp() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const errands = createErrands("Cannot do it", {
    schedule: clock.schedule,
    random: () => 0.5,
    log,
  });
  const done: string[] = [];
  /** An errand that fails so many times first. */
  const errand = (name: string, failures = 0) => () => {
    if (failures-- > 0) return Promise.reject(new Error(name));
    done.push(name);
    return Promise.resolve();
  };
  return { clock, done, errand, errands, lines };
}

describe("[G6] createErrands()", () => {
  it("does one after another, those that can wait last", async () => {
    const { done, errand, errands } = setUp();
    errands.add(errand("rest"), true);
    errands.add(errand("a"));
    errands.add(errand("b"));
    await settle();
    assert.deepEqual(done, ["a", "b", "rest"]);
    errands.add(errand("c"));
    await settle();
    assert.deepEqual(done, ["a", "b", "rest", "c"]);
  });

  it("does what is first at once, whatever waits after a failure", async () => {
    const { clock, done, errand, errands } = setUp();
    errands.add(errand("bad", 1));
    errands.add(errand("after"));
    await settle();
    errands.addFirst(errand("first"));
    await settle();
    assert.deepEqual([done, clock.pending], [["first", "after", "bad"], 0]);
    await errands.stop();
    errands.addFirst(errand("late"));
    await settle();
    assert.equal(done.length, 3);
  });

  it("runs one at a time, also when one asks for another", async () => {
    const { errands } = setUp();
    let running = 0;
    let most = 0;
    const errand = (more: number) => async () => {
      most = Math.max(most, ++running);
      if (more > 0) errands.add(errand(more - 1));
      await settle();
      running--;
    };
    errands.add(errand(3));
    for (let n = 0; n < 10; n++) await settle();
    assert.deepEqual([running, most], [0, 1]);
  });

  it("tries again what failed, after the others, and waits longer while nothing succeeds", async () => {
    const { clock, done, errand, errands, lines } = setUp();
    errands.add(errand("bad", 2));
    errands.add(errand("worse", 1));
    await settle();
    assert.deepEqual(done, []);
    clock.advance(60_000);
    await settle();
    assert.deepEqual(done, [], "worse has failed, too");
    clock.advance(60_000);
    await settle();
    clock.advance(60_000);
    await settle();
    assert.deepEqual(done, ["worse", "bad"]);
    const waits = lines.map(({ fields }) => Number(fields["waitMs"]));
    assert.deepEqual(waits, [750, 1_000, 1_375]);
    assert.ok(lines.every(({ level, event }) => level === "warn" && event.startsWith("Cannot do")));
    assert.equal(clock.pending, 0);
  });

  for (let ticks = 0; ticks < 8; ticks++) {
    it(`forgets nothing that comes ${ticks} microtasks after it was through`, async () => {
      const { done, errand, errands } = setUp();
      errands.add(errand("a"));
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      errands.add(errand("b"));
      await settle();
      assert.deepEqual(done, ["a", "b"]);
    });
  }

  it("begins nothing once it is stopped, and waits for what runs", async () => {
    const { clock, done, errand, errands } = setUp();
    const slow = Promise.withResolvers<void>();
    errands.add(() => slow.promise);
    errands.add(errand("a"));
    await settle();
    const stopped = errands.stop();
    slow.resolve();
    await stopped;
    errands.add(errand("b"));
    await settle();
    assert.deepEqual([done, clock.pending], [[], 0]);
  });

  it("does not wait out a failure when it stops", async () => {
    const { clock, errand, errands } = setUp();
    errands.add(errand("bad", 9));
    await settle();
    assert.equal(clock.pending, 1);
    await errands.stop();
    assert.equal(clock.pending, 0);
  });
});
