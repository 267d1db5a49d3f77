import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFifo } from "../../../src/discord/rest/fifo.ts";

describe("[D1] createFifo()", () => {
  it("begins a task when the one before it has ended, however it ended", async () => {
    const fifo = createFifo();
    const log: string[] = [];
    const first = Promise.withResolvers<void>();
    const done = [
      fifo.run("a", async () => {
        log.push("1 begins");
        await first.promise;
        log.push("1 fails");
        throw new Error("first");
      }),
      fifo.run("a", () => {
        log.push("2 begins");
        return Promise.resolve(2);
      }),
      fifo.run("a", () => {
        log.push("3 begins");
        return Promise.resolve(3);
      }),
    ];
    const ends = Promise.allSettled(done);
    await Promise.resolve();
    assert.deepEqual(log, ["1 begins"]);
    first.resolve();
    assert.deepEqual((await ends).map(({ status }) => status), [
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    assert.deepEqual(log, ["1 begins", "1 fails", "2 begins", "3 begins"]);
  });

  it("lets a newcomer wait for those that still wait themselves", async () => {
    const fifo = createFifo();
    const log: number[] = [];
    const second = Promise.withResolvers<void>();
    const task = (n: number, until?: Promise<void>) =>
      fifo.run("a", async () => {
        log.push(n);
        await until;
      });
    const [first, ...waiting] = [task(1), task(2, second.promise), task(3)];
    await first;
    waiting.push(task(4));
    second.resolve();
    await Promise.all(waiting);
    assert.deepEqual(log, [1, 2, 3, 4]);
  });

  it("lets a newcomer wait for the last one, whose predecessors are done", async () => {
    const fifo = createFifo();
    const log: string[] = [];
    const held = Promise.withResolvers<void>();
    const first = fifo.run("a", () => Promise.resolve());
    const second = fifo.run("a", async () => {
      await held.promise;
      log.push("second ends");
    });
    await first;
    const third = fifo.run("a", () => Promise.resolve(log.push("third begins")));
    held.resolve();
    await Promise.all([second, third]);
    assert.deepEqual(log, ["second ends", "third begins"]);
  });

  it("lets no key wait for another", async () => {
    const fifo = createFifo();
    const never = Promise.withResolvers<void>();
    const held = fifo.run("a", () => never.promise);
    assert.equal(await fifo.run("b", () => Promise.resolve("through")), "through");
    never.resolve();
    await held;
  });

  it("forgets keys that are done", async () => {
    const fifo = createFifo();
    await Promise.all(["a", "a", "b"].map((key) => fifo.run(key, () => Promise.resolve())));
    assert.equal(fifo.size, 0);
  });

  it("survives a task that throws before it promises anything", async () => {
    const fifo = createFifo();
    await assert.rejects(fifo.run("a", () => {
      throw new Error("at once");
    }));
    assert.equal(await fifo.run("a", () => Promise.resolve(1)), 1);
  });
});
