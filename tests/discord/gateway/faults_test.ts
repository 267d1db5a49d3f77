/**
 * Faults of a connection, over real sockets. Each ends in one new connection after a back-off, and
 * the log alone explains it (G10).
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { GatewayOptions } from "../../../src/discord/gateway/link/protocol.ts";
import { cleanUpAfterEach } from "../../support/cleanups.ts";
import {
  type FakeConnection,
  type FakeGateway,
  type FakeGatewayOptions,
  openNow,
  startFakeGateway,
} from "../../support/gateway/fake_gateway.ts";
import {
  gatewayOptions,
  startTestShard,
  type TestShard,
  TOKEN,
} from "../../support/gateway/gateway_shard.ts";

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
    assert.ok(
      shard.lines().some((logged) => line.test(logged)),
      `${line} in\n${shard.lines().join("\n")}`,
    );
  }
}

/** Deadlines of so many milliseconds. */
const within = (ms: number, speed = 1) => ({
  connectMs: ms,
  helloMs: ms * speed,
  readyMs: ms * speed,
});

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

describe("[G3] [G10] startShard() against a fault", () => {
  for (const fault of faults) {
    const { name, fake = {}, options, strike, isAtOnce, isBlind, speed = 1, late, lines } = fault;
    it(`connects once more, and logs the reason: ${name}`, async () => {
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
});
