/**
 * Faults of a connection, over real sockets. Each ends in one new connection after a back-off, and
 * the log alone explains it (G10).
 *
 * Frames that no server would send go to the shard and the reader, also over real sockets: no data from
 * the network may end the bot. The seed is fixed. `BARNACLE_FUZZ_FRAMES` sets the number of frames for
 * the shard, `BARNACLE_FUZZ_SEED` the seed.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import {
  type FromWorker,
  type GatewayOptions,
} from "../../../src/discord/gateway/link/protocol.ts";
import { READ_TYPES } from "../../../src/discord/gateway/read/intents.ts";
import { createReader } from "../../../src/discord/gateway/read/reader.ts";
import { startShard } from "../../../src/discord/gateway/shard/shard.ts";
import type {
  openPayloadSocket,
  PayloadSocket,
} from "../../../src/discord/gateway/socket/socket.ts";
import { cleanUpAfterEach } from "../../support/cleanups.ts";
import { createFuzzer, WORDS } from "../../support/fuzz.ts";
import {
  type FakeConnection,
  type FakeGateway,
  type FakeGatewayOptions,
  openNow,
  readyData,
  startFakeGateway,
} from "../../support/gateway/fake_gateway.ts";
import {
  gatewayOptions,
  startTestShard,
  type TestShard,
  TOKEN,
} from "../../support/gateway/gateway_shard.ts";
import { cases } from "../../support/long_form.ts";
import { seeded } from "../../support/seeded.ts";

const cleanups = cleanUpAfterEach();

/** The shortest back-off, in milliseconds. */
const BACKOFF_MS = 500;
/** Milliseconds of a close without an answer. */
const CLOSE_TIMEOUT_MS = 1_000;

interface Fault {
  readonly name: string;
  /** How the server behaves until the first loss. */
  readonly fake?: FakeGatewayOptions;
  readonly options?: Partial<GatewayOptions>;
  /** Applied to a ready connection; without it the fault is there from the start. */
  readonly strike?: (connection: FakeConnection, gateway: FakeGateway) => void;
  /** How much faster the shard's clock runs, for long waits. */
  readonly speed?: number;
  /** The deadline that passes, which is short then. */
  readonly late?: "connectMs" | "helloMs" | "readyMs";
  /** Set if the server cannot see that our socket is closed; the client closes within a second. */
  readonly isBlind?: true;
  /** Set if Discord asks for a new connection at once. */
  readonly isAtOnce?: true;
  /** Lines that the log must contain. */
  readonly lines: readonly RegExp[];
}

/** Closes with a reason that must not be in any log. */
const TELLTALE = `${TOKEN} \u001b[31m session-1`;

const faults: readonly Fault[] = [
  {
    name: "half-open TCP: the server is frozen",
    fake: { heartbeatMs: 1_500 }, // a busy machine's stall of one interval counts as sleep
    strike: (connection) => connection.goDeaf(),
    isBlind: true,
    lines: [
      /debug Heartbeat not acknowledged {"lateMs":/,
      /a heartbeat was not acknowledged; it had lived \d+ s; resuming in 0\.5 s/,
      /"cause":"zombie","phase":"ready"/,
    ],
  },
  {
    name: "a server that never answers the close frame",
    strike(connection) {
      connection.send({ op: 9, d: true, s: null, t: null });
      connection.ignoreClose();
    },
    lines: [/the session invalid \(op 9, resumable\)/, /"phase":"ready"/],
  },
  {
    name: "an upgrade that hangs",
    late: "connectMs",
    fake: { upgrade: "hang" },
    lines: [
      /debug Connecting: name look-up, TCP, TLS, upgrade {"host":"127\.0\.0\.1:\d+","intent":"identify"}/,
      /info Could not connect: .*upgrade.*; it was not ready yet; a new session in 0\.5 s/,
      /"phase":"connecting"/,
    ],
  },
  {
    name: "an upgrade that the server refuses",
    fake: { upgrade: "502" },
    lines: [/Could not connect: the upgrade was refused \(HTTP 502\)/],
  },
  {
    name: "another server that answers the upgrade",
    fake: { upgrade: "garbage" },
    lines: [/Could not connect: the upgrade was refused \(not an answer to an upgrade\)/],
  },
  {
    name: "a missing HELLO",
    speed: 5,
    late: "helloMs",
    fake: { saysHello: false },
    lines: [
      /debug Connected, waiting for HELLO/,
      /HELLO did not come in time/,
      /"cause":"late","phase":"greeting"/,
    ],
  },
  {
    name: "a missing READY",
    speed: 5,
    late: "readyMs",
    fake: { handle: ({ op }) => op === 2 },
    lines: [
      /debug HELLO {"intervalMs":45000}/,
      /debug IDENTIFY sent, waiting for READY/,
      /READY did not come in time/,
      /"phase":"identifying"/,
    ],
  },
  {
    name: "a server that closes right after IDENTIFY",
    speed: 5,
    fake: {
      handle({ op }, connection) {
        if (op === 2) connection.close(4000, `no ${TOKEN}`);
        return op === 2;
      },
    },
    lines: [
      /Discord closed the connection: 4000, unknown error; it was not ready yet/,
      /^info .*"phase":"identifying","reason":"no …"}/m,
    ],
  },
  {
    name: "a server that hangs up right after IDENTIFY",
    speed: 5,
    fake: {
      handle({ op }, connection) {
        if (op === 2) connection.destroy();
        return op === 2;
      },
    },
    lines: [/The network ended the connection before READY/],
  },
  {
    name: "a broken connection",
    strike: (connection) => connection.destroy(),
    lines: [/The network ended the connection: /, /"cause":"none","phase":"ready"/],
  },
  {
    name: "a close with a code and a reason",
    speed: 10,
    strike: (connection) => connection.close(4008, TELLTALE),
    lines: [
      /^info .*4008, rate limited.*"reason":"… {2}\[31m …"}/m,
      /debug Back-off {"next":"resume","attempt":1,"inMs":10000,"minDelayMs":500,"maxDelayMs":8000/,
    ],
  },
  {
    name: "a broken compressed stream",
    options: { compress: true },
    strike: (connection) => connection.sendBytes(Buffer.from("\u0082\u000cgarbage bits", "latin1")),
    lines: [/could not read the data \(the compressed stream is broken\)/, /"cause":"garbled"/],
  },
  {
    name: "op 7",
    strike: (connection) => connection.send({ op: 7, d: null, s: null, t: null }),
    isAtOnce: true,
    lines: [/Discord asked for a new connection \(op 7\)/, /resuming at once/],
  },
];

/** In all lines, nothing secret may appear. */
function assertClean(shard: TestShard): void {
  const logged = JSON.stringify(shard.lines());
  assert.doesNotMatch(logged, new RegExp(TOKEN), "the token");
  assert.doesNotMatch(logged, /session-\d|private words/, "a session id, or people's messages");
  assert.doesNotMatch(logged, /\\u001b/, "control characters");
}

function assertSays(shard: TestShard, lines: readonly RegExp[]): void {
  for (const line of lines) {
    assert.ok(shard.lines().some((logged) => line.test(logged)), shard.lines().join("\n"));
  }
}

/** Deadlines of so many milliseconds. */
const within = (ms: number, x = 1) => ({ connectMs: ms, helloMs: ms * x, readyMs: ms * x });

function begin(
  url: string,
  options: Partial<GatewayOptions> = {},
  speed = 1,
  deadlines = within(60_000, speed),
): TestShard {
  const own = gatewayOptions(url, { isConnectionDebug: true, deadlines, ...options });
  const shard = startTestShard(own, { speed });
  cleanups.push(() => shard.stop());
  return shard;
}

for (const fault of faults) {
  const { name, fake = {}, options, strike, isAtOnce, isBlind, speed = 1, late, lines } = fault;
  it(`[G3] [G10] startShard() against a fault › connects once more, and logs the reason: ${name}`, async () => {
    const gateway = await startFakeGateway(strike ? { ...fake, saysHello: true } : fake);
    cleanups.push(() => gateway.stop());
    // On a busy machine, each other step may take its time.
    const deadlines = { ...within(60_000, speed), ...(late && { [late]: 300 * speed }) };
    const shard = begin(gateway.url, options, speed, deadlines);
    let most = 0;
    const count = setInterval(() => void (most = Math.max(most, openNow(gateway))), 2);
    cleanups.push(() => Promise.resolve(clearInterval(count)));
    let tries = 0;
    if (strike) {
      await gateway.until(() => shard.isReady(), "READY");
      // A busy machine may have missed the deadlines of an earlier connection.
      tries = gateway.connections.length;
      const connection = gateway.connections[tries - 1]!;
      const before = shard.dispatches().length;
      connection.dispatch("MESSAGE_CREATE", { content: "private words" });
      await gateway.until(() => shard.dispatches().length > before, "the message");
      strike(connection, gateway);
    }
    await gateway.until(() => shard.sinceLossMs() !== undefined, "the loss");
    if (!strike) tries = gateway.connections.length;
    Object.assign(deadlines, within(60_000, speed));
    gateway.options = {};
    await gateway.until(
      () => shard.isReady() && gateway.connections.length > tries,
      "READY on another connection",
    );
    const waitedMs = shard.sinceLossMs() ?? 0;
    if (!isAtOnce) assert.ok(waitedMs >= BACKOFF_MS, `a back-off of ${waitedMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // A stall may let a second connection pass the short deadline, too; the fake counts upgraded ones.
    const losses = shard.lines().filter((line) => line.includes('"cause":"late"')).length;
    const expected = late && !fake.upgrade ? losses + 1 : tries + 1;
    assert.equal(gateway.connections.length, expected, "one new connection, and no other");
    if (isBlind) assert.ok(waitedMs >= CLOSE_TIMEOUT_MS / 2, `${waitedMs} ms after the close`);
    else assert.ok(most <= 1, `${most} sockets at once`);
    assertSays(shard, lines);
    assertClean(shard);
  });
}

const FRAMES = Number(process.env["BARNACLE_FUZZ_FRAMES"] ?? cases(6_000, 1_000_000));
const SEED = Number(process.env["BARNACLE_FUZZ_SEED"] ?? 3);

/** A shard on a fake connection, with a clock that only the test moves. */
function startUnreal() {
  let ms = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  let events: Parameters<typeof openPayloadSocket>[1] | undefined;
  let connections = 0;
  let sent: string[] = [];
  const posted: FromWorker[] = [];
  const lines: string[] = [];
  const connect = (
    _options: unknown,
    its: Parameters<typeof openPayloadSocket>[1],
  ): PayloadSocket => {
    connections++;
    events = its;
    return {
      beginClose() {},
      send: (text) => void sent.push(text),
      close() {
        events = undefined;
        return Promise.resolve();
      },
      setPaused() {},
    };
  };
  const base = gatewayOptions("ws://127.0.0.1", {
    isConnectionDebug: true,
    dispatches: READ_TYPES,
  });
  const options = { ...base, reconnect: { ...base.reconnect, maxRetries: 1e9 } };
  const from = {
    ...{ identifyInMs: 0, epoch: 0, failures: 0 },
    ...{ isDown: false, mustSendPresence: false },
  };
  const shard = startShard(options, from, {
    now: () => ({ monotonicMs: ms, wallMs: 1_750_000_000_000 + ms }),
    random: () => 0.9,
    after(inMs, callback) {
      const timer = { at: ms + inMs, callback };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
    post(message) {
      if (message.kind === "log") lines.push(message.event + JSON.stringify(message.fields));
      else posted.push(message);
    },
    onTick() {},
    connect,
    acknowledge: () => true,
  });

  function pass(byMs: number): void {
    const until = ms + byMs;
    for (;;) {
      const next = timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      ms = Math.max(ms, next.at);
      timers = timers.filter((timer) => timer !== next);
      next.callback();
    }
    ms = until;
  }

  const say = (payload: unknown) => events?.onText(JSON.stringify(payload));
  const opsSent = () => sent.map((text): number => JSON.parse(text).op);

  /** Lets time pass until there is a connection, and takes it to READY or RESUMED. */
  async function online(): Promise<void> {
    for (let i = 0; i < 100 && !events; i++) {
      pass(1_000);
      await Promise.resolve(); // the socket before is closed
      await Promise.resolve();
    }
    sent = [];
    events?.onOpen();
    say({ op: 10, d: { heartbeat_interval: 40_000 }, s: null, t: null });
    const asked = posted.findLast((message) => message.kind === "permit_wanted");
    if (asked) shard.permit(asked.socket, { kind: "granted" });
    const [op] = opsSent();
    if (op === 2) say({ op: 0, t: "READY", s: 1, d: readyData(connections, "ws://127.0.0.1") });
    else say({ op: 0, t: "RESUMED", s: 1, d: {} });
    const state = posted.findLast((message) => message.kind === "state");
    assert.equal(state?.state.state, "ready", "it connects again");
  }

  return {
    shard,
    posted,
    lines,
    online,
    hear: (text: string) => events?.onText(text),
    isOnline: () => events !== undefined,
    connections: () => connections,
  };
}

interface Parsed {
  readonly op?: unknown;
  readonly t?: unknown;
  readonly s?: unknown;
  readonly d?: unknown;
}

function parsed(text: string): Parsed | null | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The envelope makes a text a dispatch; its data may be no JSON. */
function dispatchIn(text: string): Parsed | undefined {
  const [, t, s] = /^\{"t":"([A-Z_]*)","s":(\d+),"op":0,"d":/.exec(text) ?? [];
  return t && t !== "READY" && t !== "RESUMED" ? { op: 0, t, s: Number(s) } : undefined;
}

/** The required result of a frame while the shard is ready, by the protocol and not by the code. */
function expectationOf(text: string): "loss" | "dispatch" | "understood" | "passed over" {
  const payload = parsed(text) ?? dispatchIn(text);
  if (typeof payload !== "object" || payload === null) return "passed over";
  switch (payload.op) {
    case 0:
      if (typeof payload.t !== "string" || !Number.isSafeInteger(payload.s)) return "passed over";
      return payload.t === "READY" ? "passed over" : "dispatch"; // a RESUMED may be replayed
    case 1:
    case 11:
      return "understood";
    case 7:
    case 9:
      return "loss";
    case 10: {
      const interval = (payload.d as { heartbeat_interval?: unknown } | null)?.heartbeat_interval;
      const isOne = typeof interval === "number" && interval >= 100 && interval <= 600_000;
      return isOne ? "understood" : "loss";
    }
  }
  return "passed over";
}

/** Milliseconds for all frames: they take six seconds, and ten times as long on a busy machine. */
const LIMIT = { timeout: 600_000 };

describe("[G1] a shard and its reader", LIMIT, () => {
  it(`survive ${FRAMES} fuzzed frames, and count each (seed ${SEED})`, LIMIT, async () => {
    const draw = createFuzzer(seeded(SEED).random);
    const unreal = startUnreal();
    const { shard, posted, lines } = unreal;
    cleanups.push(() => shard.stop());
    const reader = createReader(
      { accountId: toAccountId("default"), guilds: [] },
      ({ why }) => assert.doesNotMatch(why, new RegExp(`${WORDS}|aW50ZXJh`)),
    );
    const seen = { loss: 0, dispatch: 0, understood: 0, "passed over": 0 };
    const read: number[] = [];
    let presses = 0;
    let ticket = 0;

    const settle = () => {
      for (const message of posted.splice(0)) {
        assert.notEqual(message.kind, "final");
        if (message.kind !== "batch") continue;
        const batch = reader.read({ ...message.batch, ticket: ++ticket, arrivedAt: 0 });
        read.push(batch.events.length);
        presses += batch.events.filter(({ kind }) => kind === "button").length;
        shard.committed(message.batch.number);
      }
      for (const line of lines.splice(0)) {
        assert.ok(!line.includes(TOKEN) && !line.includes(WORDS), line);
        assert.ok(!/"sessionId"|session-\d/.test(line), line);
        assert.ok(line.length < 500, `a line of ${line.length}`);
      }
    };

    await unreal.online();
    for (let i = 0; i < FRAMES; i++) {
      const text = draw();
      seen[expectationOf(text)]++;
      const isLoss = expectationOf(text) === "loss";
      unreal.hear(text);
      assert.equal(unreal.isOnline(), !isLoss, `a reconnect only if needed: ${text}`);
      if (isLoss) await unreal.online();
      if (i % 64 === 0) settle();
    }
    settle();

    assert.equal(unreal.connections(), 1 + seen.loss, "one connection for each loss, and no other");
    assert.ok(Object.values(seen).every((count) => count > FRAMES / 100), JSON.stringify(seen));
    await shard.stop();
    settle();
    assert.ok(read.reduce((sum, count) => sum + count, 0) > 0, "some were messages after all");
    assert.ok(presses > 0, "and some were button presses");
    assert.equal("polluted" in {}, false, "no prototype was touched");
    assert.ok(reader.problems > 0);
  });
});

/** Fast time, in which delays are short; deadlines and heartbeats stay long on a busy machine. */
async function startReal(
  compress: boolean,
  speed: number,
): Promise<{ gateway: FakeGateway; shard: TestShard }> {
  const gateway = await startFakeGateway({ heartbeatMs: 600_000 });
  cleanups.push(() => gateway.stop());
  const { reconnect } = gatewayOptions("");
  const options = gatewayOptions(gateway.url, {
    compress,
    dispatches: READ_TYPES,
    reconnect: { ...reconnect, maxRetries: 1e9 },
    deadlines: { connectMs: 1e6, helloMs: 1e6, readyMs: 1e6 },
  });
  const shard = startTestShard(options, { speed });
  cleanups.push(() => shard.stop());
  await gateway.until(() => shard.isReady(), "READY");
  return { gateway, shard };
}

/** Bytes that start like a frame, and continue at random. */
function drawBytes(random: () => number): Buffer {
  const bytes = Buffer.from(Array.from({ length: 2 + random() * 200 }, () => random() * 256));
  if (random() < 0.7) bytes[0] = 0x80 | (random() * 16); // one frame, of any opcode
  if (random() < 0.5) bytes[1] = random() * 126; // without a mask, and short
  return bytes;
}

/** Broken streams, each of which costs a connection. */
const BROKEN = cases(50, 2_000);

describe("[G1] a shard on a real socket", () => {
  for (const compress of [false, true]) {
    it(`survives ${BROKEN} broken ${compress ? "streams" : "frames"}`, async () => {
      const { gateway, shard } = await startReal(compress, 50);
      const { random } = seeded(SEED);
      for (let i = 1; i <= BROKEN; i++) {
        const connection = gateway.connections.at(-1)!;
        const bytes = drawBytes(random);
        const body = bytes.subarray(0, 125);
        connection.sendBytes(
          compress ? Buffer.concat([Buffer.from([0x82, body.length]), body]) : bytes,
        );
        connection.destroy(); // the awaited data does not come any more
        await gateway.until(
          () => gateway.connections.length === i + 1 && shard.isReady(),
          `to recover from ${bytes.toString("hex")}`,
        );
      }
      assert.equal(gateway.connections.length, BROKEN + 1);
      const losses = Object.values(shard.counts()?.disconnects ?? {});
      assert.equal(losses.reduce((sum, count) => sum + count, 0), BROKEN, "each is counted");
    });
  }

  it("reads a frame of 12 MiB, and leaves a server that announces one of 17", async () => {
    const { gateway, shard } = await startReal(false, 1); // a busy machine takes seconds for each
    const filler = "x".repeat(12 << 20);
    gateway.connections[0]!.dispatch("PRESENCE_UPDATE", { filler });
    gateway.connections[0]!.dispatch("MESSAGE_CREATE", { filler });
    gateway.connections[0]!.dispatch("MESSAGE_CREATE", {});
    const count = () =>
      shard.messages.flatMap((message) => message.kind === "batch" ? [message.batch.seq] : []).at(
        -1,
      );
    await gateway.until(() => count() === 4, "all three"); // seconds, on a machine that is busy
    assert.equal(gateway.connections.length, 1);

    const header = Buffer.alloc(10);
    header[0] = 0x81;
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(17 << 20), 2);
    gateway.connections[0]!.sendBytes(header);
    await gateway.until(() => gateway.received(6).length === 1 && shard.isReady(), "RESUMED");
    assert.equal(gateway.connections.length, 2);
  });
});
