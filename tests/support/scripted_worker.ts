/**
 * A worker that opens no socket. The first one is ready, brings two batches and
 * dies when it is told a URL; the next brings two batches of the same numbers,
 * tells what is committed, and says nothing of its state.
 *
 * @module
 */

import { parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "../../src/discord/gateway/protocol.ts";

const say = (message: FromWorker) => parentPort!.postMessage(message);

parentPort!.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "start": {
      const { session } = message.options;
      const seq = session?.seq ?? 0;
      if (!session) {
        const ack = { at: 2, intervalMs: 3 };
        say({ kind: "state", state: { state: "ready", readyAt: 1, ack, isDown: false } });
      }
      const begun = { session: { sessionId: "s", resumeUrl: "r", seq: 1 } };
      const batch = { number: 1, epoch: 1, seq: seq + 1, text: "[]", ...(!session && begun) };
      say({ kind: "batch", batch });
      say({ kind: "batch", batch: { number: 2, epoch: 1, seq: seq + 2, text: "[]" } });
      return;
    }
    case "committed": {
      const { kind: event, ...fields } = message;
      return say({ kind: "log", level: "info", event, fields });
    }
    case "url":
      throw new RangeError("died in a test");
    case "stop":
      return say({ kind: "stopped" });
  }
});
