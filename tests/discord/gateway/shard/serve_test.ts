import assert from "node:assert/strict";
import { it } from "node:test";
import {
  type FromWorker,
  NO_COUNTS,
  type ToWorker,
} from "../../../../src/discord/gateway/link/protocol.ts";
import { serveGateway } from "../../../../src/discord/gateway/shard/shard.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import { startFakeGateway } from "../../../support/gateway/fake_gateway.ts";
import { gatewayOptions } from "../../../support/gateway/gateway_shard.ts";

const cleanups = cleanUpAfterEach();

function serve() {
  const sent: FromWorker[] = [];
  let listener: (message: ToWorker) => void = () => {};
  serveGateway({
    postMessage: (message) => void sent.push(message),
    on: (_event, itsListener) => {
      listener = itsListener;
    },
  });
  return { sent, hear: (message: ToWorker) => listener(message) };
}

it("[G1] serveGateway() › runs the connection by the main thread's messages, and closes it at a stop", async () => {
  const gateway = await startFakeGateway();
  cleanups.push(() => gateway.stop());
  const { sent, hear } = serve();
  hear({
    kind: "start",
    options: gatewayOptions(gateway.url),
    from: { identifyInMs: 0, epoch: 0, failures: 0, isDown: false, mustSendPresence: false },
    counts: { ...NO_COUNTS, identifies: 5 },
    tick: new SharedArrayBuffer(8),
    forms: [],
  });
  const isSent = (kind: FromWorker["kind"]) => sent.some((message) => message.kind === kind);
  await gateway.until(() => isSent("permit_wanted"), "the question");
  hear({ kind: "permit", socket: 9, answer: { kind: "granted" } }); // of no socket
  assert.equal(gateway.received(2).length, 0);
  hear({ kind: "permit", socket: 1, answer: { kind: "granted" } });
  await gateway.until(() => isSent("batch"), "READY");
  assert.equal(gateway.received(2)[0]!.d.shard, undefined, "Discord's only one");
  const counts = sent.flatMap((message) => message.kind === "counts" ? [message.counts] : []);
  assert.equal(counts.at(-1)?.identifies, 6, "with those of the worker that died");
  hear({ kind: "committed", number: 1 });
  hear({ kind: "stop" });
  await gateway.until(() => sent.at(-1)?.kind === "stopped", "the end");
  await gateway.until(() => gateway.connections.every(({ isOpen }) => !isOpen), "closed");
  assert.equal(sent.filter(({ kind }) => kind === "stopped").length, 1);
});
