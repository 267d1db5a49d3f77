import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import {
  createEarlyThread,
  startThread,
} from "../../../../src/discord/gateway/main/early_thread.ts";

const WORKER = new URL("../../../../src/worker.ts", import.meta.url);
const BROKEN = new URL("data:text/javascript,throw new Error('no')");

describe("[G1] createEarlyThread()", () => {
  it("returns its thread to the first caller, and does not end it afterwards", async () => {
    const worker = startThread(WORKER);
    const early = createEarlyThread(worker);
    assert.equal(early.take(), worker);
    assert.equal(early.take(), undefined);
    await early.close();
    const answer = once(worker, "message");
    worker.postMessage({ kind: "stop" });
    assert.deepEqual(await answer, [{ kind: "stopped" }]);
    await worker.terminate();
  });

  it("returns no dead thread, and survives its death", async () => {
    const worker = new Worker(BROKEN);
    const early = createEarlyThread(worker);
    await new Promise((resolve) => worker.on("error", resolve));
    assert.equal(early.take(), undefined);
    await early.close();
  });

  it("ends a thread that was not taken", async () => {
    const worker = startThread(WORKER);
    const ended = once(worker, "exit");
    const early = createEarlyThread(worker);
    await early.close();
    await ended;
    assert.equal(early.take(), undefined);
    await early.close();
  });
});
