/**
 * The gateway's worker with a weak spot: it dies when a batch of that `seq` is committed.
 *
 * @module
 */

import process from "node:process";
import { parentPort } from "node:worker_threads";
import { serveGateway } from "../../src/discord/gateway/serve.ts";

serveGateway(parentPort!);
parentPort!.on("message", (message: { readonly kind: string; readonly seq?: number }) => {
  if (message.kind !== "committed") return;
  if (message.seq === 3) process.exit(0);
  if (message.seq === 4) throw new RangeError("died in a test");
  if (message.seq === 5) parentPort!.postMessage({ kind: "nonsense" } as never);
});
