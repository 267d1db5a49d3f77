import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type {
  FromWorker,
  ShardStart,
  ToWorker,
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

function shard(id: number): ShardStart {
  return { id, identifyInMs: 0, epoch: 0, failures: 0, isDown: false, mustSendPresence: false };
}

type Start = Extract<ToWorker, { kind: "start" }>;

async function start(fields: Partial<Start> = {}) {
  const gateway = await startFakeGateway();
  cleanups.push(() => gateway.stop());
  const message: Start = {
    kind: "start",
    options: gatewayOptions(gateway.url),
    shards: [shard(0)],
    tick: new SharedArrayBuffer(8),
    forms: [],
    ...fields,
  };
  return { gateway, message };
}

describe("[G1] serveGateway()", () => {
  it("runs several shards, each with its own messages", async () => {
    const { gateway, message } = await start({
      options: gatewayOptions("", { shardCount: 2, maxConcurrency: 2 }),
      shards: [shard(0), shard(1)],
    });
    const { sent, hear } = serve();
    hear({ ...message, options: { ...message.options, url: gateway.url } });
    const asked = () =>
      sent.flatMap((message) => message.kind === "permit_wanted" ? [message.shardId] : [])
        .toSorted();
    await gateway.until(() => asked().length === 2, "both questions");
    assert.deepEqual(asked(), [0, 1]);
    hear({ kind: "permit", shardId: 1, socket: 1, answer: { kind: "granted" } });
    const batchesOf = (id: number) =>
      sent.filter((message) => message.kind === "batch" && message.shardId === id).length;
    await gateway.until(() => batchesOf(1) === 1, "READY of the second");
    assert.deepEqual(gateway.received(2).map(({ d }) => d.shard), [[1, 2]]);
    hear({ kind: "permit", shardId: 0, socket: 1, answer: { kind: "granted" } });
    await gateway.until(() => batchesOf(0) === 1, "READY of the first");
    hear({ kind: "committed", shardId: 0, number: 1 });
    hear({ kind: "committed", shardId: 9, number: 1 }); // of no shard
    hear({ kind: "stop" });
    await gateway.until(() => sent.at(-1)?.kind === "stopped", "the end");
    await gateway.until(() => gateway.connections.every(({ isOpen }) => !isOpen), "both closed");
    assert.equal(sent.filter(({ kind }) => kind === "stopped").length, 1);
  });

  it("[G5] makes shards of one key wait for each other, without needless connections", async () => {
    const { gateway, message } = await start({ shards: [shard(0), shard(1), shard(2)] });
    const { sent, hear } = serve();
    hear(message);
    await gateway.until(() => sent.some(({ kind }) => kind === "permit_wanted"), "the question");
    hear({ kind: "permit", shardId: 0, socket: 1, answer: { kind: "granted" } });
    await gateway.until(() => gateway.received(2).length === 1, "IDENTIFY");
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(gateway.connections.length, 1, "the others have not connected");
    const waits = sent.flatMap((message) =>
      message.kind === "state" && message.shardId > 0 ? [message.state.waits] : []
    );
    assert.deepEqual(waits, ["spacing", "spacing"]);
    hear({ kind: "stop" });
    await gateway.until(() => sent.at(-1)?.kind === "stopped", "the end");
  });

  it("[G5] delays the other shards once one has its permit", async () => {
    const { gateway, message } = await start();
    const { reconnect } = message.options;
    const session = { sessionId: "old", resumeUrl: "", seq: 1 };
    const { sent, hear } = serve();
    hear({
      ...message,
      // both would identify at once
      options: { ...message.options, reconnect: { ...reconnect, resumeSession: false } },
      shards: [shard(0), { ...shard(1), session }],
    });
    const asked = () => sent.filter(({ kind }) => kind === "permit_wanted").length;
    await gateway.until(() => asked() === 2, "both questions");
    hear({ kind: "permit", shardId: 0, socket: 1, answer: { kind: "granted" } });
    await gateway.until(() => gateway.received(2).length === 1, "IDENTIFY");
    const other = gateway.connections.find(({ received }) => received.every(({ op }) => op !== 2));
    other!.destroy();
    const lines = () => sent.flatMap((message) => message.kind === "log" ? [message.event] : []);
    const isHeld = () => lines().some((line) => /a new session in (?:5\.\d|6\.0) s/.test(line));
    await gateway.until(isHeld, "a delay that is longer than the back-off's second");
    assert.equal(gateway.connections.length, 2);
    hear({ kind: "stop" });
    await gateway.until(() => sent.at(-1)?.kind === "stopped", "the end");
  });

  it("[G3] closes all shards if one is final", async () => {
    const { gateway, message } = await start({
      options: gatewayOptions("", { shardCount: 2, maxConcurrency: 2 }),
      shards: [shard(0), shard(1)],
    });
    const { sent, hear } = serve();
    hear({ ...message, options: { ...message.options, url: gateway.url } });
    await gateway.until(() => gateway.connections.length === 2, "both connections");
    gateway.connections[0]!.close(4004);
    await gateway.until(() => gateway.connections.every(({ isOpen }) => !isOpen), "both closed");
    await new Promise((resolve) => setTimeout(resolve, 600)); // a back-off would have ended
    assert.equal(gateway.connections.length, 2);
    assert.equal(sent.filter(({ kind }) => kind === "final").length, 1);
    hear({ kind: "stop" });
    await gateway.until(() => sent.at(-1)?.kind === "stopped", "the end");
  });
});
