/**
 * Bench: the time from an event of a hook to its 202, which leaves once the event is on the disk (W2),
 * and a burst of 1,000 events in a second (W5): how many the store has after `kill -9`, how many
 * messages they make, and how often Discord refuses one for its rate.
 */

import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { demoWorld } from "../../simulator/actions/demo_world.ts";
import { freePort } from "../../tests/support/network/free_port.ts";
import { cpuMsOf } from "../stand/proc.ts";
import { type Contender, openSimulatedStand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const EVENTS = 500;
const QUICK_EVENTS = 200;
/** The first events compile the code. */
const WARM_UP = 100;
const BURST = 1_000;
const BURST_MS = 1_000;
const SENDERS = 40;
/** Milliseconds between events of one sender after the other, as programs of a house send them. */
const PAUSE_MS = 5;
/** Milliseconds without a message after which no more are expected: twice the pause of the rate. */
const QUIET_MS = 25_000;
const LOOK_MS = 50;
const SECRET = "bench-of-hooks-0123456789abcdef0123";

export async function benchHooks(contender: Contender, isQuick: boolean): Promise<Readings> {
  if (!contender.isBarnacle) return {}; // the others take no events
  const port = await freePort();
  // The ids of the demo's world are the same in every run.
  const { channels: { general, offTopic } } = demoWorld();
  const post = {
    secret: SECRET,
    model: false,
    template: "{{ monitor.name }}: {{ heartbeat.msg }}",
  };
  const hooks = {
    one: { ...post, to: `channel:${offTopic.id}` },
    burst: { ...post, to: `channel:${general.id}` },
  };
  const stand = await openSimulatedStand(contender, {
    isLimited: true,
    isResumable: true,
    config: { http: { port: 0, hooks: { port } }, hooks },
  });
  const { simulator } = stand.discord;
  const posts = () => simulator.posted("general").length;
  try {
    const first = await stand.start();
    await listening(port);
    const one = new Agent({ keepAlive: true, maxSockets: 1 });
    const waits: number[] = [];
    const count = isQuick ? QUICK_EVENTS : EVENTS;
    let cpuMs = 0;
    for (let event = 0; event < WARM_UP + count; event++) {
      if (event === WARM_UP) cpuMs = cpuMsOf(first.pid);
      const { ms, status } = await send(one, port, "one", event);
      if (status !== 202) throw new Error(`An event got ${status}`);
      if (event >= WARM_UP) waits.push(ms);
      await sleep(PAUSE_MS);
    }
    const eventCpuMs = (cpuMsOf(first.pid) - cpuMs) / count;
    one.destroy();

    const many = new Agent({ keepAlive: true, maxSockets: SENDERS });
    const startedAt = performance.now();
    const startedCpuMs = cpuMsOf(first.pid);
    const sent = await Promise.all(Array.from({ length: BURST }, async (_, event) => {
      await sleep(Math.max(0, startedAt + event * BURST_MS / BURST - performance.now()));
      return await send(many, port, "burst", event % 50);
    }));
    const burstMs = performance.now() - startedAt;
    const burstCpuMs = (cpuMsOf(first.pid) - startedCpuMs) / BURST;
    process.kill(first.pid, "SIGKILL");
    await first.stop();
    many.destroy();
    const stored = storedIn(stand.dataDir);

    await stand.start();
    let seen = -1;
    for (let quietMs = 0; quietMs < QUIET_MS; quietMs += LOOK_MS) {
      await sleep(LOOK_MS);
      if (posts() !== seen) quietMs = 0;
      seen = posts();
    }
    const accepted = sent.filter(({ status }) => status === 202);
    return {
      hookP50: quantile(waits, 0.5),
      hookP99: quantile(waits, 0.99),
      hookCpuMs: eventCpuMs,
      hookBurstMs: burstMs,
      hookBurstCpuMs: burstCpuMs,
      hookBurstP50: quantile(accepted.map(({ ms }) => ms), 0.5),
      hookBurstP99: quantile(accepted.map(({ ms }) => ms), 0.99),
      hookBurstLost: BURST - stored,
      hookBurstPosts: seen,
      hookBurstRefused: simulator.account().rateLimited,
    };
  } finally {
    await stand.close();
  }
}

/** Sends an event of the size of Uptime Kuma's. */
function send(agent: Agent, port: number, hook: string, number: number) {
  const body = JSON.stringify({
    heartbeat: { monitorID: number, status: 0, msg: "no answer", important: true, duration: 60 },
    monitor: { id: number, name: `monitor ${number}`, url: "http://nas.home.arpa", tags: [] },
    msg: "x".repeat(300),
  });
  const { promise, resolve, reject } = Promise.withResolvers<{ ms: number; status: number }>();
  const startedAt = performance.now();
  const sending = request({
    agent,
    port,
    host: "127.0.0.1",
    path: `/hooks/${hook}`,
    method: "POST",
    headers: {
      authorization: `Bearer ${SECRET}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "idempotency-key": randomUUID(),
    },
  }, (response) => {
    const ms = performance.now() - startedAt;
    response.resume().on("end", () => resolve({ ms, status: response.statusCode ?? 0 }));
  });
  sending.on("error", reject).end(body);
  return promise;
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/hooks/none`).catch(() => undefined);
    await response?.body?.cancel();
    if (response) return;
    await sleep(LOOK_MS);
  }
}

/** Number of the burst's events in the store of a killed bot. */
function storedIn(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, "barnacle.db"), { readOnly: true });
  try {
    const row = database.prepare("SELECT COUNT(*) AS count FROM hook_event WHERE hook = 'burst'")
      .get();
    return Number(row?.["count"]);
  } finally {
    database.close();
  }
}
