/**
 * A fake gateway in a thread of its own, for tests that block the main thread.
 *
 * It sends its URL once it listens, and answers any message with the times of the received
 * heartbeats, and with the time for which the machine has stopped this process.
 */

import { parentPort, workerData } from "node:worker_threads";
import { startFakeGateway } from "./fake_gateway.ts";

const TICK_MS = 50;
let stalledMs = 0;
let tickedAt = performance.now();
setInterval(() => {
  stalledMs += Math.max(0, performance.now() - tickedAt - TICK_MS);
  tickedAt = performance.now();
}, TICK_MS);

const gateway = await startFakeGateway({ heartbeatMs: workerData.heartbeatMs });
parentPort!.on("message", () => {
  parentPort!.postMessage({
    beats: gateway.received(1).map(({ at }) => at),
    connections: gateway.connections.length,
    stalledMs,
  });
});
parentPort!.postMessage({ url: gateway.url });
