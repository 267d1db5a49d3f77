import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { type ConnectionState, SPACING_MS } from "../../../../src/core/discord/gateway.ts";
import type {
  Batch,
  DispatchBatch,
  GatewayOptions,
} from "../../../../src/discord/gateway/link/protocol.ts";
import {
  createBatchTracker,
  type Gateway,
  type GatewayFinal,
  startGateway,
} from "../../../../src/discord/gateway/main/thread.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import {
  type FakeGateway,
  fakeGatewaysOf,
  readyData,
} from "../../../support/gateway/fake_gateway.ts";
import { gatewayOptions, TOKEN } from "../../../support/gateway/gateway_shard.ts";

const WORKER = new URL("../../../../src/worker.ts", import.meta.url);
const SCRIPTED_WORKER = new URL("../../../support/gateway/scripted_worker.ts", import.meta.url);
const DYING_WORKER = new URL("../../../support/gateway/dying_worker.ts", import.meta.url);

const cleanups = cleanUpAfterEach();
const fake = fakeGatewaysOf(cleanups);

interface Started {
  readonly gateway: Gateway;
  readonly batches: DispatchBatch[];
  readonly states: ConnectionState[];
  readonly logs: string[];
  readonly finals: GatewayFinal[];
  /** States, ended sessions and log lines, in order. */
  readonly events: string[];
}

function start(
  options: GatewayOptions,
  {
    workerUrl = WORKER,
    takeThread,
    commits = true,
    watchMs,
    permit = (gateway) => gateway.permit({ kind: "granted" }),
  }: {
    workerUrl?: URL;
    takeThread?: () => Worker | undefined;
    commits?: boolean;
    watchMs?: number;
    permit?: (gateway: Gateway) => void;
  } = {},
): Started {
  const started = {
    batches: [],
    states: [],
    logs: [],
    finals: [],
    events: [],
  } as Omit<
    Started,
    "gateway"
  >;
  const gateway = startGateway(options, (event) => {
    switch (event.kind) {
      case "batch":
        started.batches.push(event.batch);
        if (commits) queueMicrotask(() => gateway.committed(event.batch.ticket));
        return;
      case "state":
        started.states.push(event.state);
        return void started.events.push(event.state.state);
      case "permit_wanted":
        return void queueMicrotask(() => permit(gateway));
      case "refused":
        return void started.events.push(`${event.interactionId} refused`);
      case "log": {
        const line = event.event + JSON.stringify(event.fields);
        started.logs.push(line);
        return void started.events.push(line);
      }
      case "final":
        return void started.finals.push(event.final);
    }
  }, {
    workerUrl,
    ...(takeThread && { takeThread }),
    now: Date.now,
    random: () => 0,
    ...(watchMs && { watchMs }),
  });
  cleanups.push(() => gateway.stop());
  return { ...started, gateway };
}

/** Sends messages one by one, so that each is a batch of its own. */
async function say(discord: FakeGateway, { batches }: Started, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    discord.connections.at(-1)!.dispatch("MESSAGE_CREATE", { i });
    await discord.until(() => batches.at(-1)?.seq === discord.seq, "the message");
  }
}

/** Commits everything up to the batch with this dispatch of a session. */
function commit({ gateway, batches }: Started, seq: number, epoch = 1): void {
  const batch = batches.find((candidate) => candidate.seq === seq && candidate.epoch === epoch);
  assert.ok(batch, `a batch with seq ${seq} of session ${epoch}`);
  gateway.committed(batch.ticket);
}

/** Blocks the main thread, without using its core. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The messages that a scripted worker received. */
function fieldsOf(line: string): unknown {
  return JSON.parse(JSON.parse(line.slice(line.indexOf("{"))).received);
}

const isReady = ({ states }: Started) => states.at(-1)?.state === "ready";

describe("[G1] startGateway()", () => {
  it("sends heartbeats on time while the main thread is blocked for 15 s", async () => {
    const heartbeatMs = 3_000; // a stall of one interval would end the connection
    const discord = new Worker(
      new URL("../../../support/gateway/fake_gateway_worker.ts", import.meta.url),
      { workerData: { heartbeatMs } },
    );
    cleanups.push(() => discord.terminate());
    const clock = await fake();
    const answers: { url?: string; beats?: number[]; connections?: number; stalledMs?: number }[] =
      [];
    discord.on("message", (answer) => void answers.push(answer));
    await clock.until(() => answers.length === 1, "the fake's URL");
    const started = start(gatewayOptions(answers[0]!.url!));
    await clock.until(() => isReady(started), "READY");

    block(15_000);

    discord.postMessage("beats?");
    await clock.until(() => answers.length === 2, "the fake's heartbeats");
    const { beats = [], connections, stalledMs = 0 } = answers[1]!;
    assert.equal(connections, 1);
    const stalledBeats = Math.ceil(stalledMs / heartbeatMs); // the fake's thread lost as much
    assert.ok(beats.length >= 5 - stalledBeats, `${beats.length} heartbeats in 15 s`);
    for (const [i, at] of beats.entries()) {
      const gapMs = i === 0 ? 0 : at - beats[i - 1]!;
      assert.ok(gapMs <= heartbeatMs + 1_000 + stalledMs, `${gapMs} ms between two heartbeats`);
    }
  });

  it("closes so that the session can be resumed, and leaves no thread", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url));
    await discord.until(() => isReady(started), "READY");
    await started.gateway.stop();
    await discord.until(() => !discord.connections[0]!.isOpen, "the close");
    assert.equal(discord.connections[0]!.closeCode, 3000);
    await started.gateway.stop(); // a second call has no effect
  });
});

describe("[G5] startGateway()", () => {
  it("keeps uncommitted batches, and resumes from the committed one after a death", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url), { workerUrl: DYING_WORKER, commits: false });
    await discord.until(() => isReady(started), "READY");
    await say(discord, started, 4);
    commit(started, 1);
    commit(started, 3);
    await discord.until(() => discord.received(6).length === 1, "RESUME after a death");
    assert.deepEqual(discord.received(6)[0]!.d, { token: TOKEN, session_id: "session-1", seq: 3 });
    assert.equal(discord.received(2).length, 1);
    assert.equal(started.gateway.stats().identifies, 1);
    await discord.until(() => isReady(started), "RESUMED");
  });

  it("is connecting from a worker's death until the next worker reports", async () => {
    const clock = await fake();
    const started = start(gatewayOptions("ws://unused"), {
      workerUrl: SCRIPTED_WORKER,
      commits: false,
    });
    await clock.until(() => isReady(started), "the first worker's state");
    started.gateway.setUrl("ws://die");
    await clock.until(() => started.batches.length === 4, "the second worker's batches");
    const { readyAt = 0 } = started.states[1] ?? {};
    assert.ok(readyAt > 1, "it was ready until the death");
    assert.deepEqual(started.states.slice(1), [{ state: "connecting", readyAt, isDown: false }]);
  });

  it("resumes no session whose READY it has not received", async () => {
    const discord = await fake();
    // this worker dies when it becomes ready for the second time, with READY unsent
    const started = start(gatewayOptions(discord.url), { workerUrl: DYING_WORKER, commits: false });
    await discord.until(() => isReady(started), "READY");
    discord.connections[0]!.close(4009);
    await discord.until(() => discord.received(6).length === 1, "RESUME after a death");
    assert.equal(started.batches.some(({ epoch }) => epoch === 2), false);
    assert.equal(discord.received(6)[0]!.d.session_id, "session-1", "the stored session");
  });

  it("ends a worker that hangs, reports that, and starts another one", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url), {
      workerUrl: DYING_WORKER,
      commits: false,
      watchMs: 4_000, // on a busy core, a healthy worker takes over a second to start
    });
    await discord.until(() => isReady(started), "READY");
    await say(discord, started, 5);
    commit(started, 6);
    await discord.until(() => discord.received(6).length === 1, "RESUME");
    const at = started.events.findIndex((line) => /worker hangs/.test(line));
    assert.ok(at >= 0);
    // at once, before the thread has ended, and again once it has
    assert.deepEqual(started.events.slice(at + 1, at + 3), ["connecting", "connecting"]);
    assert.equal(discord.received(6)[0]!.d.seq, 6);
  });

  it("connects to the gateway's new URL, in another worker, too", async () => {
    const moved = await fake();
    const discord = await fake({
      handle({ op }, connection) {
        const { resume_gateway_url: _, ...ready } = readyData(1, "") as Record<string, unknown>;
        if (op === 2) connection.dispatch("READY", ready);
        return op === 2;
      },
    });
    const started = start(gatewayOptions(discord.url), { workerUrl: DYING_WORKER, commits: false });
    await discord.until(() => isReady(started), "READY");
    await say(discord, started, 2);
    started.gateway.setUrl(moved.url);
    discord.connections[0]!.destroy();
    await discord.until(() => moved.received(6).length === 1, "RESUME at the new URL");
    commit(started, 3);
    await discord.until(() => /worker died/.test(started.logs.join()), "a death");
    await discord.until(() => moved.received(6).length === 2, "RESUME of another worker");
    assert.equal(discord.connections.length, 1);
  });

  it("starts another worker after an error", async () => {
    const discord = await fake();
    const started = start(gatewayOptions(discord.url), { workerUrl: DYING_WORKER, commits: false });
    await discord.until(() => isReady(started), "READY");
    await say(discord, started, 4);
    commit(started, 4);
    await discord.until(() => discord.received(6).length === 1, "RESUME");
    assert.equal(discord.received(6)[0]!.d.seq, 4);
    assert.ok(started.logs.some((line) => /worker died/.test(line)));
    assert.doesNotMatch(started.logs.join(), /secret-token/);
  });

  it("gives up on a worker that dies every time", async () => {
    const started = start(gatewayOptions("ws://127.0.0.1:9"), {
      workerUrl: new URL("data:text/javascript,throw new Error('no')"),
    });
    const clock = await fake();
    await clock.until(() => started.finals.length === 1, "the end");
    assert.deepEqual(started.finals, [{ kind: "worker_died", deaths: 5 }]);
  });
});

describe("[G5] startGateway() and permits", () => {
  it("asks the main thread before each IDENTIFY, and passes on the answer", async () => {
    const discord = await fake();
    let asked = 0;
    const started = start(gatewayOptions(discord.url), { permit: () => void asked++ });
    await discord.until(() => asked === 1, "the question");
    assert.equal(discord.received(2).length, 0);
    started.gateway.permit({ kind: "wait", waitMs: 500, why: "budget" });
    started.gateway.permit({ kind: "granted" }); // without a request: ignored
    await discord.until(() => started.states.some(({ waits }) => waits === "budget"), "the wait");
    await discord.until(() => asked === 2, "another question");
    assert.equal(discord.received(2).length, 0);
    started.gateway.permit({ kind: "granted" });
    await discord.until(() => started.batches.length === 1, "READY");
  });

  it("passes no answer to a later socket than the one that asked", async () => {
    const discord = await fake();
    let asked = 0;
    const started = start(gatewayOptions(discord.url), { permit: () => void asked++ });
    await discord.until(() => asked === 1, "the question");
    discord.connections[0]!.destroy();
    await discord.until(() => asked === 2, "the request of another socket");
    started.gateway.permit({ kind: "granted" }); // for the first socket
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(discord.received(2).length, 0);
    started.gateway.permit({ kind: "granted" });
    await discord.until(() => isReady(started), "READY");
    assert.equal(discord.received(2).length, 1);
  });

  it("passes the answer to a worker's request to no other worker", async () => {
    const clock = await fake();
    let asked = 0;
    const started = start(gatewayOptions("ws://unused"), {
      workerUrl: SCRIPTED_WORKER,
      commits: false,
      permit: () => void asked++,
    });
    await clock.until(() => asked === 1, "the first worker's request");
    started.gateway.setUrl("ws://die");
    await clock.until(() => asked === 2, "the second worker's request");
    started.gateway.permit({ kind: "wait", waitMs: 1, why: "budget" }); // for the first worker
    started.gateway.permit({ kind: "granted" });
    const received = () => started.logs.filter((line) => line.startsWith("permit"));
    await clock.until(() => received().length > 0, "the answer");
    assert.deepEqual(received().map(fieldsOf), [{
      socket: 1,
      answer: { kind: "granted" },
    }]);
  });

  it("starts another worker with the last one's failures, sessions and IDENTIFY spacing", async () => {
    const clock = await fake();
    const started = start(gatewayOptions("ws://unused"), {
      workerUrl: SCRIPTED_WORKER,
      commits: false,
    });
    await clock.until(() => started.batches.length === 2, "the first worker's batches");
    started.gateway.committed(2);
    started.gateway.setUrl("ws://die");
    await clock.until(() => started.batches.length === 4, "the second worker's batches");
    const starts = () => started.logs.filter((line) => line.startsWith("start{"));
    await clock.until(() => starts().length === 2, "its start");
    const { identifyInMs, ...rest } = JSON.parse(starts()[1]!.slice("start".length));
    assert.ok(identifyInMs > 1_000 && identifyInMs <= SPACING_MS, `${identifyInMs} ms`);
    assert.deepEqual(rest, {
      epoch: 1,
      seqCommitted: 2,
      seqReceived: 2,
      failures: 2,
      isDown: false,
      mustSendPresence: false,
    });
  });
});

it("[G5b] startGateway() and commits › replays no received dispatch again in another worker", async () => {
  const discord = await fake();
  const started = start(gatewayOptions(discord.url), { workerUrl: DYING_WORKER, commits: false });
  await discord.until(() => isReady(started), "READY");
  await say(discord, started, 4);
  commit(started, 3); // the worker dies of it
  await discord.until(() => discord.received(6).length === 1 && isReady(started), "RESUMED");
  assert.equal(discord.received(6)[0]!.d.seq, 3);
  discord.connections.at(-1)!.dispatch("MESSAGE_CREATE", {});
  const seqs = () =>
    started.batches.flatMap(({ text }): number[] => text ? [JSON.parse(text).s] : []);
  await discord.until(() => seqs().includes(discord.seq), "the next message");
  assert.deepEqual(seqs(), [...new Set(seqs())], "each once");
  assert.ok(seqs().includes(5), "uncommitted dispatches are not lost");
});

const SESSION = { sessionId: "s", resumeUrl: "r", seq: 1 };

function batch(fields: Partial<Batch> = {}): Batch {
  return { number: 1, epoch: 1, seq: 1, text: "{}", ...fields };
}

const OLD = { ...SESSION, sessionId: "old", seq: 40 };

describe("[G5] createBatchTracker()", () => {
  it("numbers the tickets over all workers, and returns the last committed number of the current one", () => {
    const batches = createBatchTracker(undefined, 3);
    const given = [
      batches.receive(batch({ session: SESSION }), 1),
      batches.receive(batch({ number: 1, seq: 2 }), 2),
      batches.receive(batch({ number: 2, seq: 3 }), 2),
      batches.receive(batch({ number: 3, seq: 4 }), 2),
    ];
    assert.deepEqual(given.map(({ ticket }) => ticket), [4, 5, 6, 7]);
    assert.deepEqual([batches.committed(4, 2), batches.committed(6, 2)], [undefined, 2]);
    assert.equal(batches.committed(5, 2), undefined, "an old ticket");
    assert.equal(batches.point().seqCommitted, 3);
  });

  it("[G5b] knows the last received number, committed or not, so that it counts once", () => {
    const batches = createBatchTracker(undefined);
    batches.receive(batch({ session: SESSION }), 1);
    batches.receive(batch({ number: 2, seq: 7 }), 1);
    batches.committed(1, 1);
    const expected = { session: SESSION, epoch: 1, seqCommitted: 1, seqReceived: 7 };
    assert.deepEqual(batches.point(), expected);
  });

  it("[G5b] remembers a session's hole until another session begins", () => {
    const batches = createBatchTracker(OLD);
    batches.receive(batch({ epoch: 0, seq: 99, afterHole: true }), 1);
    batches.committed(1, 1);
    assert.deepEqual(batches.point().session, { ...OLD, seq: 99, hasHole: true });
    batches.receive(batch({ number: 2, session: SESSION, afterHole: true }), 1);
    assert.deepEqual(batches.point().session, SESSION, "no dispatch came between hole and READY");
  });

  it("[G16] remembers that a session lacks an event that could not be read", () => {
    const batches = createBatchTracker(OLD);
    batches.lacksEvent();
    assert.equal(batches.point().session?.hasHole, true);
    const none = createBatchTracker(undefined);
    none.lacksEvent();
    assert.deepEqual(none.point(), { epoch: 0 });
  });

  it("restarts with a session: commits of earlier sessions do not count for it", () => {
    const batches = createBatchTracker(OLD);
    assert.deepEqual(batches.point(), { session: OLD, epoch: 0, seqCommitted: 40 });
    batches.receive(batch({ epoch: 0, seq: 50 }), 1);
    batches.receive(batch({ epoch: 1, seq: 1, session: SESSION }), 1);
    batches.committed(1, 1);
    assert.deepEqual(batches.point(), { session: SESSION, epoch: 1, seqReceived: 1 });
    batches.committed(2, 1);
    assert.equal(batches.point().seqCommitted, 1);
  });

  it("never goes back if a worker sends an earlier worker's dispatches again", () => {
    const batches = createBatchTracker(undefined);
    batches.receive(batch({ session: SESSION }), 1);
    batches.receive(batch({ number: 2, seq: 9 }), 1);
    batches.committed(2, 1);
    batches.receive(batch({ number: 1, seq: 5 }), 2);
    batches.committed(3, 2);
    const { session, seqCommitted, seqReceived } = batches.point();
    assert.deepEqual([session?.seq, seqCommitted, seqReceived], [9, 9, 9]);
  });
});
