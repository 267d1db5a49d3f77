import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createKeyedQueue } from "../../src/lib/waker.ts";

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
