/**
 * A fake gateway in a thread of its own, for tests that block the main thread.
 *
 * It sends its URL once it listens, and answers any message with the times of the received
 * heartbeats.
 */

import { parentPort, workerData } from "node:worker_threads";
import { startFakeGateway } from "./fake_gateway.ts";

const gateway = await startFakeGateway({ heartbeatMs: workerData.heartbeatMs });
parentPort!.on("message", () => {
  parentPort!.postMessage({
    beats: gateway.received(1).map(({ at }) => at),
    connections: gateway.connections.length,
  });
});
parentPort!.postMessage({ url: gateway.url });
