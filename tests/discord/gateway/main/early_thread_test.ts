import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { createEarlyThread } from "../../../../src/discord/gateway/main/early_thread.ts";

const WORKER = new URL("../../../../src/worker.ts", import.meta.url);
const BROKEN = new URL("data:text/javascript,throw new Error('no')");

describe("[G1] holdThread()", () => {
  it("gives its thread to the first who asks, and leaves it alone from then on", async () => {
    const worker = new Worker(WORKER);
    const early = createEarlyThread(worker);
    assert.equal(early.take(), worker);
    assert.equal(early.take(), undefined);
    await early.close();
    const answer = once(worker, "message");
    worker.postMessage({ kind: "stop" });
    assert.deepEqual(await answer, [{ kind: "stopped" }]);
    await worker.terminate();
  });

  it("gives away no thread that has died, and outlives its death", async () => {
    const worker = new Worker(BROKEN);
    const early = createEarlyThread(worker);
    await new Promise((resolve) => worker.on("error", resolve));
    assert.equal(early.take(), undefined);
    await early.close();
  });

  it("ends a thread that nobody took", async () => {
    const worker = new Worker(WORKER);
    const ended = once(worker, "exit");
    const early = createEarlyThread(worker);
    await early.close();
    await ended;
    assert.equal(early.take(), undefined);
    await early.close();
  });
});
