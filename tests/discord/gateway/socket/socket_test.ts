import assert from "node:assert/strict";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import zlib from "node:zlib";
import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import {
  createInflater,
  openSocket,
  type SocketClose,
} from "../../../../src/discord/gateway/socket/socket.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import { type FakeGateway, fakeGatewaysOf } from "../../../support/gateway/fake_gateway.ts";
import {
  type ConnectProxy,
  type ConnectProxyOptions,
  startConnectProxy,
} from "../../../support/network/connect_proxy.ts";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "../../../support/network/self_signed.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY, TEST_CA } from "../../../support/network/test_ca.ts";
import { skipUnless } from "../../../support/skip.ts";
import { listening } from "../../../support/network/listening.ts";

/** `ss` shows the timers of sockets. */
const HAS_SS = existsSync("/usr/bin/ss") || existsSync("/bin/ss");

const USER_AGENT = "DiscordBot (https://bot.example, 1.2.3)";

/** Suffix that a server adds to the upgrade's key (RFC 6455, 1.3). */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const cleanups = cleanUpAfterEach();
const fake = fakeGatewaysOf(cleanups);

function open(url: string, connectTimeoutMs = 60_000, proxy?: string) {
  const closes: SocketClose[] = [];
  const texts: string[] = [];
  let isOpen = false;
  const socket = openSocket({
    url: new URL(url),
    tcpKeepaliveSec: 30,
    connectTimeoutMs,
    userAgent: USER_AGENT,
    ...(proxy !== undefined && { proxy }),
  }, {
    onOpen: () => void (isOpen = true),
    onText: (text) => void texts.push(text),
    onBinary: (data) => void texts.push(data.toString()),
    onClose: (close) => void closes.push(close),
  });
  cleanups.push(() => socket.close(3000));
  return { socket, closes, texts, isOpen: () => isOpen };
}

describe("[G14] openSocket()", () => {
  for (const url of ["ws://discord.gg", "ws://10.0.0.1", "ws://127.evil.example", "http://[::1]"]) {
    it(`does not send the token to ${url}`, () => assert.throws(() => open(url), TypeError));
  }

  it("also connects to an address of the other family", async () => {
    const { closes } = open("ws://[::1]:9");
    const clock = await fake();
    await clock.until(() => closes.length === 1, "the refusal");
    assert.match(closes[0]!.reason, /ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT/);
  });

  it("[G2] names Barnacle in the upgrade, as REST does", async () => {
    const gateway = await fake();
    const { isOpen } = open(gateway.url);
    await gateway.until(isOpen, "the 101");
    assert.equal(gateway.connections[0]?.userAgent, USER_AGENT);
  });

  it("finds localhost for either address family", async () => {
    const gateway = await fake();
    const { isOpen } = open(gateway.url.replace("127.0.0.1", "localhost"));
    await gateway.until(isOpen, "the 101");
  });
});

/** Ends a server and all its connections: a half-open one would keep it running. */
function endAfterwards(server: net.Server): void {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => void sockets.add(socket));
  server.on("secureConnection", (socket: net.Socket) => void sockets.add(socket));
  cleanups.push(() =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    })
  );
}

describe("[G15] openSocket()", () => {
  it("sends nothing to a server without a trusted certificate", async () => {
    const received: Buffer[] = [];
    const server = tls.createServer({ key: SELF_SIGNED_KEY, cert: SELF_SIGNED_CERT }, (socket) => {
      socket.on("error", () => {}); // the client hangs up
      socket.on("data", (data: Buffer) => void received.push(data));
    });
    server.on("tlsClientError", () => {}); // as above
    endAfterwards(server);
    const port = await listening(server);
    const { closes, isOpen } = open(`wss://localhost:${port}`);
    const clock = await fake();
    await clock.until(() => closes.length === 1, "the refusal");
    assert.equal(isOpen(), false);
    assert.deepEqual(received, []);
    assert.doesNotMatch(closes[0]!.reason, /in time/);
  });

  /** Puts a gateway behind TLS, and returns the port. */
  async function secureGateway(gateway?: FakeGateway): Promise<number> {
    gateway ??= await fake();
    const plainPort = Number(new URL(gateway.url).port);
    const server = tls.createServer({ key: LOCALHOST_KEY, cert: LOCALHOST_CERT }, (socket) => {
      const plain = net.connect(plainPort, "127.0.0.1");
      socket.pipe(plain).pipe(socket);
      for (const end of [socket, plain]) end.on("error", () => {}); // closing one end closes the other
    });
    server.on("tlsClientError", () => {}); // from the client that does not trust the certificate
    endAfterwards(server);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    return (server.address() as net.AddressInfo).port;
  }

  /** The first data that a process with the test's authority gets, or why it gets none. */
  async function firstTextFrom(url: string, proxy: readonly string[] = []): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), "barnacle-tls-"));
    cleanups.push(() => Promise.resolve(rmSync(directory, { recursive: true })));
    const ca = join(directory, "ca.pem");
    writeFileSync(ca, TEST_CA);
    const script = join(
      import.meta.dirname!,
      "..",
      "..",
      "..",
      "support",
      "network",
      "tls_client.ts",
    );
    const { deno } = process.versions;
    const args = deno ? ["run", "--allow-all", "--no-check", "--quiet", script] : [script];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...args, url, ...proxy],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca }, timeout: 120_000 },
    );
    return stdout.trim();
  }

  it("connects to a server with a trusted certificate", async () => {
    assert.match(await firstTextFrom(`wss://localhost:${await secureGateway()}`), /"op":10/);
  });

  it("sends nothing if the certificate is for another host", async () => {
    assert.match(await firstTextFrom(`wss://127.0.0.2:${await secureGateway()}`), /^closed: /);
  });

  it("connects through a proxy with user and password, and still checks the certificate", async () => {
    const port = await secureGateway();
    const proxy = await proxied({ wants: "ann:p@ss" });
    const through = `http://ann:p%40ss@127.0.0.1:${proxy.port}`;
    assert.match(await firstTextFrom(`wss://localhost:${port}`, [through]), /"op":10/);
    assert.match(await firstTextFrom(`wss://127.0.0.2:${port}`, [through]), /^closed: \S*CERT/);
    assert.deepEqual(proxy.asked, [
      `CONNECT localhost:${port} HTTP/1.1`,
      `CONNECT 127.0.0.2:${port} HTTP/1.1`,
    ]);
  });

  it("connects through a proxy with TLS, and names Barnacle in the upgrade", async () => {
    const gateway = await fake();
    const port = await secureGateway(gateway);
    const proxy = await proxied({ isSecure: true });
    const through = `https://localhost:${proxy.port}`;
    assert.match(await firstTextFrom(`wss://localhost:${port}`, [through]), /"op":10/);
    assert.equal(gateway.connections[0]?.userAgent, "DiscordBot (tls_client.ts)");
  });
});

async function proxied(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(options);
  cleanups.push(() => proxy.stop());
  return proxy;
}

describe("[G15] openSocket() through a proxy", () => {
  const faults: readonly (readonly [ConnectProxyOptions, RegExp])[] = [
    [{ mode: "hang" }, /^no answer of the proxy in time$/],
    [{ mode: "hang up" }, /^the proxy: connection broke$/],
    [{ mode: "refuse" }, /^the proxy refused \(HTTP 503\)$/],
    [{ wants: "ann:secret" }, /^the proxy asks for a user and password \(407\)$/],
    [{ mode: "garbage" }, /^the proxy is no HTTP proxy$/],
    [{ mode: "endless" }, /^the proxy is no HTTP proxy$/],
    [{ mode: "chatty" }, /^the proxy sends data out of turn$/],
  ];
  for (const [options, reason] of faults) {
    it(`reports the problem of a proxy: ${JSON.stringify(options)}`, async () => {
      const clock = await fake();
      const proxy = await proxied(options);
      // The proxy must look up this name; on this machine it does not exist.
      const { closes } = open(
        "wss://gateway.discord.invalid",
        options.mode === "hang" ? 2_000 : 60_000,
        `http://127.0.0.1:${proxy.port}`,
      );
      await clock.until(() => closes.length > 0, "the end");
      assert.match(closes[0]!.reason, reason);
      assert.equal(closes.length, 1);
      if (options.mode !== "hang up") {
        await clock.until(() => proxy.asked.length > 0, "the request");
        assert.deepEqual(proxy.asked, ["CONNECT gateway.discord.invalid:443 HTTP/1.1"]);
      }
    });
  }

  it("reports that no proxy listens", async () => {
    const clock = await fake();
    const { closes } = open("wss://gateway.discord.invalid", 60_000, "http://127.0.0.1:9");
    await clock.until(() => closes.length > 0, "the end");
    assert.equal(closes[0]!.reason, "the proxy: ECONNREFUSED");
  });

  it("never reports the password", async () => {
    const clock = await fake();
    const proxy = await proxied({ wants: "ann:right" });
    const through = `http://ann:hunter2@127.0.0.1:${proxy.port}`;
    const { closes } = open("wss://gateway.discord.invalid", 60_000, through);
    await clock.until(() => closes.length > 0, "the end");
    assert.doesNotMatch(JSON.stringify(closes), /hunter2|YW5u/);
  });

  it("uses a password with a lone percent sign as it is", async () => {
    const clock = await fake();
    const proxy = await proxied({ wants: "ann:100%sure", mode: "chatty" });
    const through = `http://ann:100%sure@127.0.0.1:${proxy.port}`;
    const { closes } = open("wss://gateway.discord.invalid", 60_000, through);
    await clock.until(() => closes.length > 0, "the end");
    assert.equal(closes[0]!.reason, "the proxy sends data out of turn", "not 407");
  });

  it("[G14] sends nothing without TLS through a proxy", () => {
    assert.throws(() => open("ws://127.0.0.1:9", 60_000, "http://127.0.0.1:9"), TypeError);
  });

  it("reports nothing if it is closed while the proxy hangs", async () => {
    const proxy = await proxied({ mode: "hang" });
    const { socket, closes } = open(
      "wss://gateway.discord.invalid",
      60_000,
      `http://127.0.0.1:${proxy.port}`,
    );
    await socket.close(3000);
    assert.deepEqual(closes, []);
  });

  it(
    "[G8] sets the keepalive on the socket to the proxy",
    skipUnless(HAS_SS, "the keepalive of a proxied socket: there is no ss here"),
    async () => {
      const clock = await fake();
      const proxy = await proxied({ mode: "hang" });
      const openedAt = performance.now();
      open("wss://gateway.discord.invalid", 5_000, `http://127.0.0.1:${proxy.port}`);
      await clock.until(() => proxy.asked.length === 1, "the request");
      const { stdout } = await promisify(execFile)("ss", [
        "-tnoH",
        `sport = :${proxy.clientPort()}`,
      ]);
      const leftSec = Number(/timer:\(keepalive,(\d+(?:\.\d+)?)sec,/.exec(stdout)?.[1]);
      const passedSec = (performance.now() - openedAt) / 1_000;
      assert.ok(leftSec <= 30 && leftSec >= 29 - passedSec, stdout);
    },
  );
});

describe("[G2] openSocket()", () => {
  const refusals = [["502", /^HTTP 502$/], ["garbage", /not an answer/]] as const;
  for (const [upgrade, reason] of refusals) {
    it(`ends if the server answers the upgrade with ${upgrade}`, async () => {
      const gateway = await fake({ upgrade });
      const { closes, isOpen } = open(gateway.url);
      await gateway.until(() => closes.length === 1, "the end");
      assert.match(closes[0]!.reason, reason);
      assert.equal(closes[0]!.code, undefined);
      assert.equal(isOpen(), false);
    });
  }

  it("ends if the server does not answer the upgrade in time", async () => {
    const gateway = await fake({ upgrade: "hang" });
    const { closes } = open(gateway.url, 2_000);
    await gateway.until(() => closes.length === 1, "the end");
    assert.deepEqual(closes, [{ reason: "no answer to the upgrade in time" }]);
  });

  it("ends if another server answers", async () => {
    const server = net.createServer((socket) => {
      socket.on("error", () => {}); // the client hangs up
      socket.on("data", () =>
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXI=\r\n\r\n",
        ));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = server.address() as net.AddressInfo;
    const { closes } = open(`ws://127.0.0.1:${port}`);
    const clock = await fake();
    await clock.until(() => closes.length === 1, "the end");
    assert.match(closes[0]!.reason, /not an answer to our upgrade/);
  });
});

describe("[G3] openSocket()", () => {
  it("reports Discord's close code and reason once", async () => {
    const gateway = await fake();
    const { closes, isOpen } = open(gateway.url);
    await gateway.until(isOpen, "the 101");
    gateway.connections[0]!.close(4009, "Session timed out.");
    await gateway.until(() => closes.length === 1, "the end");
    assert.deepEqual(closes, [{ code: 4009, reason: "Session timed out." }]);
    await gateway.until(() => !gateway.connections[0]!.isOpen, "the end there");
    assert.equal(gateway.connections[0]!.closeCode, 4009, "it answers with the same code");
  });

  it("reports no code if the connection broke", async () => {
    const gateway = await fake();
    const { closes, isOpen } = open(gateway.url);
    await gateway.until(isOpen, "the 101");
    gateway.connections[0]!.destroy();
    await gateway.until(() => closes.length === 1, "the end");
    assert.equal(closes[0]!.code, undefined);
  });

  it("reads frames of each kind, wherever the network cuts them", async () => {
    const frame = (first: number, text: string) => {
      const payload = Buffer.from(text);
      const { length } = payload;
      const head = length < 126
        ? [first, length]
        : length < 65_536
        ? [first, 126, length >> 8, length & 255]
        : [first, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
      return Buffer.concat([Buffer.from(head), payload]);
    };
    const long = "é".repeat(40_000);
    const parts: readonly (readonly [Buffer, string?])[] = [
      [frame(0x81, "whole"), "whole"],
      [frame(0x81, ""), ""],
      [frame(0x89, "ping")],
      [frame(0x81, "é".repeat(100)), "é".repeat(100)],
      [frame(0x01, "frag")],
      [frame(0x89, "ping between fragments")],
      [frame(0x00, "men")],
      [frame(0x80, "ted"), "fragmented"],
      [frame(0x82, "binary"), "binary"],
      [frame(0x81, long), long],
      [frame(0x81, "last"), "last"],
    ];
    const bytes = Buffer.concat([...parts, ...parts].map(([bytes]) => bytes));
    const expected = [...parts, ...parts].flatMap(([, text]) => text ?? []);
    for (const sizes of [[1, 2, 3, 5], [7, 200, 4_096], [65_536], [bytes.length]]) {
      const gateway = await fake({ saysHello: false });
      const { texts, closes, isOpen } = open(gateway.url);
      await gateway.until(isOpen, "the 101");
      // Small cuts only around the short frames: each write of a cut takes a millisecond.
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const cut = sizes[turn % sizes.length] ?? 1;
        const size = turn < 1_000 ? cut : bytes.length;
        gateway.connections[0]!.sendBytes(bytes.subarray(at, at + size));
        at += size;
        await new Promise((resolve) => setTimeout(resolve));
      }
      await gateway.until(() => texts.length >= expected.length, "all texts");
      assert.deepEqual(texts, expected);
      assert.deepEqual(closes, []);
    }
  });

  it("reads nothing behind a frame that ends the connection", async () => {
    for (const bad of [[0xf2, 1, 0], [0x01, 1, 0x61, 0x81, 1, 0x62], [0x88, 2, 3, 232]]) {
      const gateway = await fake({ saysHello: false });
      const { texts, closes, isOpen } = open(gateway.url);
      await gateway.until(isOpen, "the 101");
      gateway.connections[0]!.sendBytes(Buffer.from([0x81, 1, 0x61, ...bad, 0x81, 1, 0x63]));
      await gateway.until(() => closes.length === 1, "the end");
      assert.deepEqual(texts, ["a"]);
    }
  });

  it("[SEC-R25] answers few pings of a server that does not read", async () => {
    const PINGS = 400_000;
    const ping = Buffer.concat([Buffer.from([0x89, 125]), Buffer.alloc(125)]);
    let answered = 0;
    let peer: net.Socket | undefined;
    const server = net.createServer((socket) => {
      peer = socket;
      socket.on("error", () => {}); // the client may reset the connection
      socket.once("data", (request: Buffer) => {
        const key = /sec-websocket-key: (\S+)/i.exec(request.toString())?.[1] ?? "";
        const accept = createHash("sha1").update(key + ACCEPT_SUFFIX).digest("base64");
        socket.pause();
        socket.write(`HTTP/1.1 101 x\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
        for (let sent = 0; sent < PINGS; sent += 10_000) {
          socket.write(Buffer.concat(Array<Buffer>(10_000).fill(ping)));
        }
        socket.write(Buffer.from([0x81, 1, 0x61]));
        socket.on("data", (data: Buffer) => void (answered += data.length));
        socket.pause();
      });
    });
    endAfterwards(server);
    const clock = await fake();
    const port = await listening(server);
    const { socket, texts, closes } = open(`ws://127.0.0.1:${port}`, 10_000);
    await clock.until(() => texts.length === 1, "all pings");
    peer?.resume();
    await socket.close(1000);
    await clock.until(
      () => peer?.readableEnded || closes.length > 0 || peer?.destroyed === true,
      "",
    );
    // The kernel holds some megabytes; all pongs would be more than 50.
    assert.ok(answered > 0 && answered < 25e6, `${answered} bytes`);
  });

  for (
    const [name, bytes] of [
      ["a frame of 1 GB", [0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0]],
      ["a reserved bit", [0xf2, 1, 0]],
      ["a masked frame", [0x81, 0x81, 1, 2, 3, 4, 5]],
    ] as const
  ) {
    it(`ends at ${name}`, async () => {
      const gateway = await fake({ saysHello: false });
      const { closes, isOpen } = open(gateway.url);
      await gateway.until(isOpen, "the 101");
      gateway.connections[0]!.sendBytes(Buffer.from(bytes));
      await gateway.until(() => closes.length === 1, "the end");
    });
  }
});

describe("[G8] openSocket()", () => {
  it("[G5b] reads on after its close frame until the server has closed", async () => {
    const gateway = await fake({ saysHello: false });
    const { socket, texts, closes, isOpen } = open(gateway.url);
    await gateway.until(isOpen, "the 101");
    const [connection] = gateway.connections;
    connection!.ignoreClose();
    socket.beginClose(3000);
    await gateway.until(() => connection!.closeCode === 3000, "our close frame");
    connection!.sendText("sent in between");
    connection!.close(3000);
    await gateway.until(() => closes.length === 1, "the end");
    assert.deepEqual([texts, closes[0]?.code], [["sent in between"], 3000]);
  });
});

async function frames(texts: readonly string[]): Promise<Buffer[]> {
  const stream = zlib.createDeflate();
  const flush = zlib.constants.Z_SYNC_FLUSH;
  const done: Buffer[] = [];
  let parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => void parts.push(part));
  for (const text of texts) {
    await new Promise<void>((resolve) =>
      stream.write(text, () => stream.flush(flush, () => resolve()))
    );
    done.push(Buffer.concat(parts));
    parts = [];
  }
  stream.destroy();
  return done;
}

/** Resolves with the texts once there are `count`. Deno reports errors only after the write. */
function inflate(all: readonly Buffer[], count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const texts: string[] = [];
    const inflater = createInflater({
      onText: (text) => void texts.push(text),
      onIdle() {
        if (texts.length < count) return;
        inflater.close();
        resolve(texts);
      },
      onError: reject,
    });
    for (const frame of all) inflater.push(frame);
  });
}

describe("[G8] createInflater()", () => {
  it("reports invalid data once", async () => {
    await assert.rejects(inflate([Buffer.from("not a compressed stream")], 9));
  });

  it("waits for the rest of a message in two frames", async () => {
    const [first, second] = await frames(["{}", '{"op":11}']);
    const halves = [second!.subarray(0, 3), second!.subarray(3)];
    assert.deepEqual(await inflate([first!, ...halves], 2), ["{}", '{"op":11}']);
  });

  const MIB = 1 << 20;
  const raw = (bytes: Buffer) =>
    zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  /** A block with one byte, which ends no message. */
  const BLOCK = Buffer.from([0, 1, 0, 0xfe, 0xff, 0x78]);
  const HEAD = Buffer.from([0x78, 0x9c]);

  it("[SEC-R25] accepts a message of 15 MiB, and reports one of 17", async () => {
    const [short, long] = [15, 17].map((size) => JSON.stringify("x".repeat(size * MIB)));
    const all = await frames([short ?? "", "{}"]);
    assert.deepEqual(await inflate(all, 2), [short, "{}"]);
    const tooLong = await frames([long ?? ""]);
    await assert.rejects(inflate(tooLong, 1), /longer than 16 MiB/);
  });

  it("[SEC-R25] reports a bomb before it is decompressed", async () => {
    const bomb = Buffer.concat([HEAD, ...Array<Buffer>(64).fill(raw(Buffer.alloc(16 * MIB)))]);
    assert.ok(bomb.length < 2 * MIB);
    await assert.rejects(inflate([bomb], 1), /longer than 16 MiB/);
  });

  it("[SEC-R25] reports a message of too many frames, or too many compressed bytes", async () => {
    const tiny = [HEAD, ...Array<Buffer>(5_000).fill(BLOCK)];
    await assert.rejects(inflate(tiny, 1), /longer than 16 MiB/);
    const empty = Buffer.concat(Array<Buffer>(100_000).fill(Buffer.from([0, 0, 0, 0xff, 0xff])));
    const nothing = [HEAD, ...Array<Buffer>(40).fill(Buffer.concat([empty, BLOCK]))];
    await assert.rejects(inflate(nothing, 1), /longer than 16 MiB/);
  });
});
