/**
 * A gateway worker with built-in faults. It ends, or hangs, when its batch of a certain number is
 * committed, and ends when it becomes ready for the second time.
 */

import process from "node:process";
import { parentPort } from "node:worker_threads";
import { serveGateway } from "../../../src/discord/gateway/shard/shard.ts";

let timesReady = 0;
let wasReady = false;

serveGateway({
  postMessage(message) {
    parentPort!.postMessage(message);
    if (message.kind !== "state") return;
    const isReady = message.state.state === "ready";
    if (isReady && !wasReady && ++timesReady === 2) throw new RangeError("died in a test");
    wasReady = isReady;
  },
  on: (event, listener) => parentPort!.on(event, listener),
});
/** Blocks the thread without using its core. */
function hang(): never {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(cell, 0, 0, 100);
}

parentPort!.on("message", (message: { readonly kind: string; readonly number?: number }) => {
  if (message.kind !== "committed") return;
  if (message.number === 3) process.exit(0);
  if (message.number === 4) throw new RangeError("died in a test");
  if (message.number === 6) hang();
});
