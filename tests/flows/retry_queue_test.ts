import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRetryQueue } from "../../src/flows/retry_queue.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";

function setUp() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const retries = createRetryQueue("Cannot do it", {
    schedule: clock.schedule,
    random: () => 0.5,
    log,
  });
  const done: string[] = [];
  /** A task that first fails this many times. */
  const task = (name: string, failures = 0) => () => {
    if (failures-- > 0) return Promise.reject(new Error(name));
    done.push(name);
    return Promise.resolve();
  };
  return { clock, done, task, retries, lines };
}

describe("[G6] createRetryQueue()", () => {
  it("runs tasks one after another, those with isLast last", async () => {
    const { done, task, retries } = setUp();
    retries.add(task("rest"), true);
    retries.add(task("a"));
    retries.add(task("b"));
    await settle();
    assert.deepEqual(done, ["a", "b", "rest"]);
    retries.add(task("c"));
    await settle();
    assert.deepEqual(done, ["a", "b", "rest", "c"]);
  });

  it("[O7] ends without a warning if Discord refuses the token", async () => {
    const { clock, done, task, retries, lines } = setUp();
    retries.add(() => Promise.reject(Object.assign(new Error("401"), { kind: "unauthorized" })));
    retries.add(task("after"));
    await settle();
    retries.addFirst(task("first"));
    await settle();
    assert.deepEqual([done, clock.pending, lines.length], [[], 0, 0]);
  });

  it("retries a failed task after the others, and waits longer while none succeeds", async () => {
    const { clock, done, task, retries, lines } = setUp();
    retries.add(task("bad", 2));
    retries.add(task("worse", 1));
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
    assert.deepEqual(waits, [750, 1_000], "the log has each power of two");
    assert.ok("error" in lines[0]!.fields && !("error" in lines[1]!.fields), "one stack");
    assert.ok(lines.every(({ level, event }) => level === "warn" && event.startsWith("Cannot do")));
    assert.equal(clock.pending, 0);
  });

  for (
    const [what, fields, hasError] of [
      ["a request to Discord without its stack", { kind: "unavailable", route: "PUT /x" }, false],
      ["a failure of the store with its cause", { kind: "full", path: "/data" }, true],
    ] as const
  ) {
    it(`logs ${what}`, async () => {
      const { retries, lines } = setUp();
      retries.add(() => Promise.reject(Object.assign(new Error("no"), fields)));
      await settle();
      assert.deepEqual(lines.map((line) => "error" in line.fields), [hasError]);
    });
  }

  for (let ticks = 0; ticks < 8; ticks++) {
    it(`runs a task that arrives ${ticks} microtasks after the queue became empty`, async () => {
      const { done, task, retries } = setUp();
      retries.add(task("a"));
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      retries.add(task("b"));
      await settle();
      assert.deepEqual(done, ["a", "b"]);
    });
  }

  it("starts no task after stop, and waits for the running one", async () => {
    const { clock, done, task, retries } = setUp();
    const slow = Promise.withResolvers<void>();
    retries.add(() => slow.promise);
    retries.add(task("a"));
    await settle();
    const stopped = retries.stop();
    slow.resolve();
    await stopped;
    retries.add(task("b"));
    await settle();
    assert.deepEqual([done, clock.pending], [[], 0]);
  });
});
