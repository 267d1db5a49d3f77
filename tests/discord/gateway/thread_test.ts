import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import type {
  DispatchBatch,
  GatewayOptions,
  ShardState,
} from "../../../src/discord/gateway/protocol.ts";
import {
  type Gateway,
  type GatewayFinal,
  startGateway,
} from "../../../src/discord/gateway/thread.ts";
import { type FakeGateway, startFakeGateway } from "../../support/fake_gateway.ts";
import { gatewayOptions, TOKEN } from "../../support/gateway_shard.ts";

const WORKER = new URL("../../../src/worker.ts", import.meta.url);
const DYING_WORKER = new URL("../../support/dying_worker.ts", import.meta.url);

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Started {
  readonly gateway: Gateway;
  readonly batches: DispatchBatch[];
  readonly states: ShardState[];
  readonly beats: { lateMs: number; latencyMs?: number }[];
  readonly logs: string[];
  readonly finals: GatewayFinal[];
}

function start(
  options: GatewayOptions,
  { workerUrl = WORKER, commits = true }: { workerUrl?: URL; commits?: boolean } = {},
): Started {
  const started = { batches: [], states: [], beats: [], logs: [], finals: [] } as Omit<
    Started,
    "gateway"
  >;
  const gateway = startGateway(options, {
    onBatch(batch) {
      started.batches.push(batch);
      if (commits) queueMicrotask(() => gateway.committed(batch.seq));
    },
    onState: (state) => void started.states.push(state),
    onBeat: (beat) => void started.beats.push(beat),
    onLog: (_level, event, fields) => void started.logs.push(event + JSON.stringify(fields)),
    onFinal: (final) => void started.finals.push(final),
  }, { workerUrl, now: Date.now, random: () => 0 });
  cleanups.push(() => gateway.stop());
  return { ...started, gateway };
}

async function fake(...args: Parameters<typeof startFakeGateway>): Promise<FakeGateway> {
  const gateway = await startFakeGateway(...args);
  cleanups.push(() => gateway.stop());
  return gateway;
}

/** Sends messages one by one, so that each is a batch of its own. */
async function say(discord: FakeGateway, { batches }: Started, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    discord.connections.at(-1)!.dispatch("MESSAGE_CREATE", { i });
    await discord.until(() => batches.at(-1)?.seq === discord.seq, "the message");
  }
}

const isReady = ({ states }: Started) => states.at(-1)?.state === "ready";

describe("[G1] startGateway()", () => {
  it("beats on time while the main thread is blocked for 5 s", async () => {
    const heartbeatMs = 1_000;
    const discord = new Worker(
      new URL("../../support/fake_gateway_worker.ts", import.meta.url),
      { workerData: { heartbeatMs } },
    );
    cleanups.push(() => discord.terminate());
    const next = <Answer>() => new Promise<Answer>((resolve) => discord.once("message", resolve));
    const { url } = await next<{ url: string }>();
    const started = start(gatewayOptions(url));
    const clock = await fake();
    await clock.until(() => isReady(started), "READY");

    const end = Date.now() + 5_000;
    while (Date.now() < end); // the main thread does nothing else

    const answer = next<{ beats: number[]; connections: number }>();
    discord.postMessage("beats?");
    const { beats, connections } = await answer;
    assert.equal(connections, 1);
    assert.ok(beats.length >= 5, `${beats.length} beats in 5 s`);
    for (const [i, at] of beats.entries()) {
      const gapMs = i === 0 ? 0 : at - beats[i - 1]!;
      assert.ok(gapMs <= heartbeatMs + 1_000, `${gapMs} ms between two beats`);
    }
  });

  it("says how it is, and counts", async () => {
    const discord = await fake({ heartbeatMs: 150 });
    const started = start(gatewayOptions(discord.url));
    await discord.until(() => started.beats.length >= 2, "two beats");
    const state = started.states.at(-1)!;
    assert.equal(state.state, "ready");
    assert.equal(state.isDown, false);
    assert.equal(state.ack!.intervalMs, 150);
    assert.ok(Math.abs(Date.now() - state.ack!.at) < 5_000, "in Unix time");
    assert.ok(started.beats[0]!.lateMs >= 0 && started.beats[0]!.latencyMs! >= 0);

    const stats = started.gateway.stats();
    assert.equal(stats.identifies, 1);
    assert.equal(stats.deaths, 0);
    assert.equal(stats.seqCommitted, 1);
    assert.ok(Math.abs(Date.now() - stats.tickAt) < 5_000, "the worker moves");
  });

  it("closes so that the session can be resumed, and leaves no thread", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url));
    await discord.until(() => isReady(started), "READY");
    await started.gateway.stop();
    await discord.until(() => !discord.connections[0]!.isOpen, "the close");
    assert.equal(discord.connections[0]!.closeCode, 3000);
    await started.gateway.stop(); // a second time does no harm
  });
});

describe("[G5] startGateway()", () => {
  it("keeps what is not committed, and resumes from what is after a death", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url), {
      workerUrl: DYING_WORKER,
      commits: false,
    });
    await discord.until(() => isReady(started), "READY");
    await say(discord, started, 4);
    started.gateway.committed(1);
    started.gateway.committed(3);
    await discord.until(() => discord.received(6).length === 1, "RESUME after a death");
    assert.deepEqual(discord.received(6)[0]!.d, {
      token: TOKEN,
      session_id: "session-1",
      seq: 3,
    });
    assert.equal(discord.received(2).length, 1);
    assert.equal(started.gateway.stats().deaths, 1);
    assert.equal(started.gateway.stats().identifies, 1);
    await discord.until(() => isReady(started), "RESUMED");
  });

  it("acknowledges a batch by its own session, not by its number alone", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url), { commits: false });
    await discord.until(() => isReady(started), "READY");
    await say(discord, started, 3);
    discord.connections[0]!.close(4009);
    await discord.until(() => started.batches.some(({ epoch }) => epoch === 2), "READY", 9_000);
    started.gateway.committed(4); // of the first session
    assert.equal(started.gateway.stats().uncommitted, 1);
    started.gateway.committed(1); // READY of the second
    assert.equal(started.gateway.stats().uncommitted, 0);
    assert.equal(started.gateway.stats().seqCommitted, 1);
  });

  for (const [seq, name] of [[4, "an error"], [5, "a message of nonsense"]] as const) {
    it(`starts another worker after ${name}`, async () => {
      const discord = await fake();
      const started = start(gatewayOptions(discord.url), {
        workerUrl: DYING_WORKER,
        commits: false,
      });
      await discord.until(() => isReady(started), "READY");
      await say(discord, started, 4);
      started.gateway.committed(seq);
      await discord.until(() => discord.received(6).length === 1, "RESUME");
      assert.equal(discord.received(6)[0]!.d.seq, seq);
      assert.ok(started.logs.some((line) => /worker died/.test(line)));
      assert.doesNotMatch(started.logs.join(), /secret-token/);
    });
  }

  it("gives up a worker that only dies", async () => {
    const started = start(gatewayOptions("ws://127.0.0.1:9"), {
      workerUrl: new URL("data:text/javascript,throw new Error('no')"),
    });
    const clock = await fake();
    await clock.until(() => started.finals.length === 1, "the end", 15_000);
    assert.deepEqual(started.finals, [{ kind: "worker_died", deaths: 5 }]);
    assert.equal(started.gateway.stats().deaths, 5);
  });
});

describe("[G3] startGateway()", () => {
  it("tells what the operator must do, and is fatal", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url));
    await discord.until(() => isReady(started), "READY");
    discord.connections[0]!.close(4014);
    await discord.until(() => started.finals.length === 1, "the end");
    const [final] = started.finals;
    assert.ok(final?.kind === "stop");
    assert.equal(final.code, 4014);
    assert.match(final.hint, /Message Content Intent/);
    await discord.until(() => started.states.at(-1)?.state === "fatal", "the state");
    assert.equal(started.gateway.stats().disconnects["4014"], 1);
  });
});
