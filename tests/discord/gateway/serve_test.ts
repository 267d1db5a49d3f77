import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import {
  type FromWorker,
  PROTOCOL_VERSION,
  type ToWorker,
} from "../../../src/discord/gateway/protocol.ts";
import { serveGateway } from "../../../src/discord/gateway/serve.ts";
import { startFakeGateway } from "../../support/fake_gateway.ts";
import { gatewayOptions } from "../../support/gateway_shard.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function serve() {
  const sent: FromWorker[] = [];
  let listener: (message: unknown) => void = () => {};
  serveGateway({
    postMessage: (message) => void sent.push(message),
    on: (_event, itsListener) => {
      listener = itsListener;
    },
  });
  return { sent, hear: (message: unknown) => listener(message) };
}

async function start(fields: Partial<Extract<ToWorker, { kind: "start" }>> = {}) {
  const gateway = await startFakeGateway();
  cleanups.push(() => gateway.stop());
  const message: ToWorker = {
    kind: "start",
    version: PROTOCOL_VERSION,
    options: gatewayOptions(gateway.url),
    epoch: 0,
    identifyInMs: 0,
    tick: new SharedArrayBuffer(8),
    ...fields,
  };
  return { gateway, message };
}

describe("[G1] serveGateway()", () => {
  it("starts one shard, tells what it does, and stops it", async () => {
    const { gateway, message } = await start();
    const { sent, hear } = serve();
    hear(message);
    const { tick } = message as Extract<ToWorker, { kind: "start" }>;
    assert.ok(Date.now() - Number(Atomics.load(new BigInt64Array(tick), 0)) < 5_000);
    await gateway.until(() => sent.some(({ kind }) => kind === "batch"), "READY");
    assert.throws(() => hear(message), /started a shard twice/);
    hear({ kind: "url", url: "ws://127.0.0.1:9" });
    hear({ kind: "stop" });
    await gateway.until(() => sent.at(-1)?.kind === "stopped", "the end");
  });

  it("has nothing to stop before it was started", () => {
    const { sent, hear } = serve();
    hear({ kind: "stop" });
    assert.deepEqual(sent, [{ kind: "stopped" }]);
  });

  it("refuses what it does not understand", async () => {
    const { message } = await start({ version: PROTOCOL_VERSION + 1 });
    const { hear } = serve();
    assert.throws(() => hear(message), /speaks version/);
    assert.throws(() => hear({ kind: "dance" }), /unknown message/);
  });
});
