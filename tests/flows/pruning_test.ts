import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startPruning } from "../../src/flows/pruning.ts";

/** A store with work for some steps, and a clock that the test moves. */
function simulate(work: number) {
  let left = work;
  let writes = 0;
  let fails = false;
  const log: string[] = [];
  let due: { readonly run: () => void; readonly ms: number } | undefined;
  const pruning = startPruning({
    store: {
      writes: () => writes,
      upkeep: {
        prune() {
          if (fails) return Promise.reject(new Error("disk full"));
          writes++;
          left = Math.max(0, left - 1);
          return Promise.resolve(left > 0);
        },
        extent: () => Promise.reject(new Error("not asked")),
      },
    },
    schedule(run, ms) {
      due = { run, ms };
      return () => due = undefined;
    },
    now: () => 0,
    log: { warn: (event) => void log.push(event) },
  });
  return {
    pruning,
    log,
    left: () => left,
    isWaiting: () => due !== undefined,
    write: () => void writes++,
    fail: () => void (fails = true),
    /** Runs the next timer, and returns its milliseconds. */
    async tick(): Promise<number> {
      assert.ok(due);
      const { run, ms } = due;
      due = undefined;
      run();
      await new Promise(setImmediate);
      return ms;
    },
  };
}

describe("[X6] startPruning()", () => {
  it("takes one step for each idle moment, until all is done, and then rests", async () => {
    const { tick, left } = simulate(3);
    const waits: number[] = [];
    while (left() > 0) waits.push(await tick());
    assert.deepEqual(waits, [60_000, 250, 250, 250]);
    assert.equal(await tick(), 3_600_000);
  });

  it("takes no step while others store something", async () => {
    const { tick, left, write } = simulate(1);
    await tick(); // it begins to watch
    for (let busy = 0; busy < 5; busy++) {
      write();
      assert.equal(await tick(), 250);
      assert.equal(left(), 1);
      assert.equal(await tick(), 5_000);
    }
    await tick();
    assert.equal(left(), 0);
  });

  it("says that the disk refuses, and tries again in the next round", async () => {
    const { tick, fail, log } = simulate(1);
    fail();
    await tick();
    await tick();
    assert.deepEqual(log, ["Cannot delete old records"]);
    assert.equal(await tick(), 3_600_000);
  });

  it("stops, also within a step", async () => {
    const { tick, pruning, isWaiting } = simulate(9);
    await tick();
    const step = tick();
    pruning.stop();
    await step;
    assert.equal(isWaiting(), false);
  });
});
