import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import zlib from "node:zlib";
import { createClient } from "../../../src/discord/rest/client/client.ts";
import { RestError, routeOf } from "../../../src/discord/rest/exchange/exchange.ts";
import { createInvalidRequests } from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { cleanUpAfterEach } from "../../support/cleanups.ts";
import { type FakeConnection, startFakeGateway } from "../../support/gateway/fake_gateway.ts";
import { gatewayOptions, startTestShard } from "../../support/gateway/gateway_shard.ts";

interface HostileCase {
  readonly name: string;
  /** Whether the shard must leave the server; otherwise it passes over the data. */
  readonly leaves: boolean;
  readonly compress?: true;
  readonly strike: (connection: FakeConnection) => void;
}

const MIB = 1024 * 1024;
const CONTINUATION = 0x00;
const TEXT = 0x01;
const BINARY = 0x02;
const PING = 0x09;
const FINAL = 0x80;

/** The head of a frame. Its length may be a lie. */
function frameHead(opcode: number, length: number | bigint): Buffer {
  const head = Buffer.alloc(10);
  head[0] = opcode;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

function frame(opcode: number, bytes: Buffer): Buffer {
  return Buffer.concat([frameHead(opcode, bytes.length), bytes]);
}

/** Blocks that continue any zlib stream, and end a message. */
function deflated(bytes: Buffer): Buffer {
  return zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

function times(count: number, bytes: Buffer): Buffer {
  return Buffer.concat(Array<Buffer>(count).fill(bytes));
}

/** A block with one byte, which ends no message; and an empty one, which does. */
const BLOCK = Buffer.from([0, 1, 0, 0xfe, 0xff, 0x78]);
const EMPTY = Buffer.from([0, 0, 0, 0xff, 0xff]);

const letters = (size: number) => Buffer.alloc(size, "x");
const announces = (length: number | bigint): HostileCase["strike"] => (connection) =>
  connection.sendBytes(Buffer.concat([frameHead(FINAL | TEXT, length), letters(MIB)]));
const dispatch = (d: string) => Buffer.from(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":${d}}`);

const HOSTILE: readonly HostileCase[] = [
  { name: "a frame of one byte too many", leaves: true, strike: announces(16 * MIB + 1) },
  { name: "a frame of 1 GiB", leaves: true, strike: announces(1024 * MIB) },
  { name: "a frame of 2^62 bytes", leaves: true, strike: announces(2n ** 62n) },
  {
    name: "a message of 20 MiB in frames of 1 MiB",
    leaves: true,
    strike(connection) {
      connection.sendBytes(frame(TEXT, letters(MIB)));
      for (let part = 1; part < 20; part += 1) {
        connection.sendBytes(frame(CONTINUATION, letters(MIB)));
      }
    },
  },
  {
    name: "a message in 200,000 frames of one byte",
    leaves: true,
    strike(connection) {
      connection.sendBytes(Buffer.from([TEXT, 1, 0x78]));
      connection.sendBytes(times(200_000, Buffer.from([CONTINUATION, 1, 0x78])));
    },
  },
  {
    name: "a message in 200,000 empty frames",
    leaves: true,
    strike(connection) {
      connection.sendBytes(Buffer.from([TEXT, 1, 0x78]));
      connection.sendBytes(times(200_000, Buffer.from([CONTINUATION, 0])));
    },
  },
  {
    name: "15 MiB of no JSON",
    leaves: false,
    strike: (connection) => connection.sendBytes(frame(FINAL | TEXT, letters(15 * MIB))),
  },
  {
    name: "8 MiB of brackets",
    leaves: false,
    strike: (connection) => connection.sendBytes(frame(FINAL | TEXT, Buffer.alloc(8 * MIB, "["))),
  },
  {
    name: "a dispatch of 15 MiB, five times",
    leaves: false,
    strike(connection) {
      const text = frame(FINAL | TEXT, dispatch(`"${letters(15 * MIB)}"`));
      for (let time = 0; time < 5; time += 1) connection.sendBytes(text);
    },
  },
  {
    name: "100,000 dispatches",
    leaves: false,
    strike: (connection) =>
      connection.sendBytes(times(100_000, frame(FINAL | TEXT, dispatch(`"${letters(100)}"`)))),
  },
  {
    name: "a million pings, and no reading",
    leaves: false,
    strike(connection) {
      connection.goDeaf();
      for (let time = 0; time < 10; time += 1) {
        connection.sendBytes(times(100_000, Buffer.from([FINAL | PING, 0])));
      }
    },
  },
  {
    name: "200,000 requests for a heartbeat, and no reading",
    leaves: false,
    strike(connection) {
      connection.goDeaf();
      const asked = frame(FINAL | TEXT, Buffer.from('{"t":null,"s":null,"op":1,"d":null}'));
      connection.sendBytes(times(200_000, asked));
    },
  },
  {
    name: "a bomb of 1 GiB",
    leaves: true,
    compress: true,
    strike(connection) {
      const part = deflated(Buffer.alloc(16 * MIB));
      connection.sendBytes(frame(FINAL | BINARY, times(64, part)));
    },
  },
  {
    name: "a bomb of 1 GiB in many frames",
    leaves: true,
    compress: true,
    strike(connection) {
      const part = Buffer.concat([deflated(Buffer.alloc(MIB)), BLOCK]);
      for (let time = 0; time < 1_024; time += 1) {
        connection.sendBytes(frame(FINAL | BINARY, part));
      }
    },
  },
  {
    name: "a compressed message of 17 MiB",
    leaves: true,
    compress: true,
    strike: (connection) =>
      connection.sendBytes(frame(FINAL | BINARY, deflated(dispatch(`"${letters(17 * MIB)}"`)))),
  },
  {
    name: "20,000 compressed frames that end no message",
    leaves: true,
    compress: true,
    strike: (connection) => connection.sendBytes(times(20_000, frame(FINAL | BINARY, BLOCK))),
  },
  {
    name: "20 MiB of blocks without content",
    leaves: true,
    compress: true,
    strike(connection) {
      const part = Buffer.concat([times(200_000, EMPTY), BLOCK]);
      for (let time = 0; time < 21; time += 1) {
        connection.sendBytes(frame(FINAL | BINARY, part));
      }
    },
  },
  {
    name: "a text of 15 MiB on a compressed connection",
    leaves: false,
    compress: true,
    strike: (connection) => connection.sendBytes(frame(FINAL | TEXT, letters(15 * MIB))),
  },
];

const cleanups = cleanUpAfterEach();

for (const { name, leaves, compress = false, strike } of HOSTILE) {
  it(`[SEC-R25] a shard, and a gateway that wants to fill its memory › ${leaves ? "leaves the server" : "passes over the data"}: ${name}`, async () => {
    // A busy machine takes minutes for a million pings: a heartbeat meanwhile has no acknowledgement.
    const gateway = await startFakeGateway({ heartbeatMs: 600_000 });
    cleanups.push(() => gateway.stop());
    const { reconnect } = gatewayOptions("");
    const options = gatewayOptions(gateway.url, {
      compress,
      reconnect: { ...reconnect, maxRetries: 1e9 },
      deadlines: { connectMs: 50_000, helloMs: 50_000, readyMs: 50_000 },
    });
    const shard = startTestShard(options);
    cleanups.push(() => shard.stop());
    await gateway.until(() => shard.isReady(), "READY");
    const [connection] = gateway.connections;
    assert.ok(connection);
    strike(connection);
    if (leaves) {
      await gateway.until(() => gateway.connections.length === 2 && shard.isReady(), "");
      assert.equal(gateway.connections.length, 2);
      return;
    }
    connection.dispatch("MESSAGE_CREATE", { content: "behind it" });
    await gateway.until(() => shard.dispatches().some(isBehind), "the message behind it");
    assert.equal(gateway.connections.length, 1);
  });
}

it("[SEC-R25] a shard, and a dispatch that is too large › passes over a message of more than 1 MiB, but not over a guild", async () => {
  const gateway = await startFakeGateway();
  cleanups.push(() => gateway.stop());
  const shard = startTestShard({
    ...gatewayOptions(gateway.url),
    dispatches: ["MESSAGE_CREATE", "GUILD_CREATE"],
  });
  cleanups.push(() => shard.stop());
  await gateway.until(() => shard.isReady(), "READY");
  const [connection] = gateway.connections;
  assert.ok(connection);
  const content = "x".repeat(MIB);
  connection.dispatch("MESSAGE_CREATE", { content });
  connection.dispatch("GUILD_CREATE", { content });
  connection.dispatch("MESSAGE_CREATE", { content: "x".repeat(MIB - 1_000) });
  connection.dispatch("MESSAGE_CREATE", { content: "behind it" });
  await gateway.until(() => shard.dispatches().some(isBehind), "the message behind it");
  const types = shard.dispatches().map(({ t }) => t).filter((type) => type !== "READY");
  assert.deepEqual(types, ["GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE"]);
  assert.equal(gateway.connections.length, 1);
});

function isBehind(dispatch: { readonly d?: { readonly content?: unknown } }): boolean {
  return dispatch.d?.content === "behind it";
}

describe("[SEC-R25] a REST client, and a server that answers with too much", () => {
  /** Answers each request with a body. */
  async function answering(
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    path: string,
  ): Promise<unknown> {
    const server = createServer((_, response) => void response.writeHead(200, headers).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    const client = createClient({
      ...{ token: "secret-token", apiUrl: `http://127.0.0.1:${address.port}/api`, version: "1" },
      ...{ timeoutMs: 30_000, globalPerSec: 50, unusedPerSec: 0, random: Math.random },
      retry: { attempts: 1, minDelayMs: 0, maxDelayMs: 0, jitter: 0 },
      invalidRequests: createInvalidRequests(),
      ...{ now: Date.now, steadyNow: () => performance.now(), schedule },
    });
    return await client.request("GET", path).finally(client.stop);
  }

  const JSON_TYPE = { "content-type": "application/json" };
  const GZIP = { ...JSON_TYPE, "content-encoding": "gzip" };
  const text = (size: number) => Buffer.from(`"${"x".repeat(size)}"`);

  it("reads 100 long messages, and no channel that is as large", async () => {
    const page = text(5 * MIB);
    assert.equal(String(await answering(JSON_TYPE, page, "/channels/1/messages")).length, 5 * MIB);
    await assert.rejects(answering(JSON_TYPE, page, "/channels/1"), RestError);
  });

  it("reads a compressed response, and no bomb with a small Content-Length", async () => {
    const small = zlib.gzipSync(text(1_000));
    assert.equal(String(await answering(GZIP, small, "/users/@me")).length, 1_000);
    const bomb = zlib.gzipSync(text(64 * MIB));
    assert.ok(bomb.length < MIB);
    const headers = { ...GZIP, "content-length": String(bomb.length) };
    await assert.rejects(answering(headers, bomb, "/users/@me"), RestError);
    await assert.rejects(answering(headers, bomb, "/channels/1/messages"), RestError);
  });

  it("bounds every route", () => {
    const bounds: readonly [method: string, path: string, mib: number][] = [
      ["GET", "/channels/1/messages?limit=100", 16],
      ["POST", "/channels/1/messages", 1],
      ["GET", "/guilds/1/channels", 16],
      ["GET", "/guilds/1/members/search?query=a", 4],
      ["GET", "/gateway/bot", 1],
      ["DELETE", "/anything", 1],
    ];
    for (const [method, path, mib] of bounds) {
      assert.equal(routeOf(method, path).maxBytes, mib * MIB, `${method} ${path}`);
    }
  });
});
