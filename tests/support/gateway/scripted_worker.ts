/**
 * A worker that opens no socket. The first one asks for a permit, is ready, sends two batches, and
 * dies when it gets a URL. The next one asks, and sends two batches of the same numbers, but no
 * state. Both report their start options and the received messages.
 */

import { parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "../../../src/discord/gateway/link/protocol.ts";

const send = (message: FromWorker) => parentPort!.postMessage(message);

parentPort!.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "start": {
      const { session } = message.from;
      const seq = session?.seq ?? 0;
      if (!session) {
        const ack = { at: 2, intervalMs: 3 };
        const state = { state: "ready", readyAt: 1, ack, isDown: false } as const;
        send({ kind: "state", state, failures: 2 });
      }
      const newSession = { session: { sessionId: "s", resumeUrl: "r", seq: 1 } };
      const batch = { number: 1, epoch: 1, seq: seq + 1, text: "{}", ...(!session && newSession) };
      send({ kind: "permit_wanted", socket: 1 });
      send({ kind: "batch", batch, arrivedAt: 1 });
      const next = { number: 2, epoch: 1, seq: seq + 2, text: "{}" };
      send({ kind: "batch", batch: next, arrivedAt: 1 });
      const { session: _, ...rest } = message.from;
      return send({ kind: "log", level: "info", event: "start", fields: { ...rest } });
    }
    case "committed":
    case "permit": {
      const { kind: event, ...fields } = message;
      return send({
        kind: "log",
        level: "info",
        event,
        fields: { received: JSON.stringify(fields) },
      });
    }
    case "url":
      throw new RangeError("died in a test");
    case "stop":
      return send({ kind: "stopped" });
  }
});
