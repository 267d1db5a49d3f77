/**
 * A minimal gateway on loopback, for the tests of `discord/gateway/`.
 *
 * It implements the protocol in the simplest form, and can misbehave at every step. It has no
 * guilds and no people; the simulator has.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import net from "node:net";
import zlib from "node:zlib";
import Receiver from "../../../node_modules/ws/lib/receiver.js";
import Sender from "../../../node_modules/ws/lib/sender.js";
import type { Cleanups } from "../cleanups.ts";

/** Milliseconds after which a wait fails: longer than any step takes on a busy machine. */
const PATIENCE_MS = 120_000;

export interface FakeGatewayOptions {
  /** The heartbeat interval in HELLO, in milliseconds. */
  readonly heartbeatMs?: number;
  /** How the server answers the upgrade. */
  readonly upgrade?: "accept" | "hang" | "502" | "garbage";
  /** Whether the server sends HELLO by itself. */
  readonly saysHello?: boolean;
  /** The address to listen at; 127.0.0.1 if absent. */
  readonly host?: string;
  /** Replaces the handling of a payload if it returns true. */
  readonly handle?: (payload: FakePayload, connection: FakeConnection) => boolean;
}

export interface FakePayload {
  readonly op: number;
  // deno-lint-ignore no-explicit-any -- a test looks into it as it likes
  readonly d: any;
  readonly at: number;
}

export interface FakeConnection {
  /** Number of the connection, from 1, in order of arrival. */
  readonly number: number;
  readonly path: string;
  /** The User-Agent of the upgrade; absent if it had none. */
  readonly userAgent: string | undefined;
  readonly received: FakePayload[];
  /** Code of the client's close frame; 1006 once the socket ended without one. */
  closeCode?: number;
  isOpen: boolean;
  /** Sends one payload, compressed if the client asked for it. */
  send(payload: unknown): void;
  sendText(text: string): void;
  /** Sends bytes below the WebSocket. */
  sendBytes(bytes: Buffer): void;
  /** Sends the next dispatch. */
  dispatch(t: string, d: unknown): void;
  close(code: number, reason?: string): void;
  /** Ends the socket without a close frame. */
  destroy(): void;
  /** Neither reads nor answers any more; the socket stays open. */
  goDeaf(): void;
  /** Reads on, but answers no close frame and keeps the socket open. */
  ignoreClose(): void;
}

export interface FakeGateway {
  readonly url: string;
  readonly connections: FakeConnection[];
  /** Sequence number of the last dispatch. */
  readonly seq: number;
  options: FakeGatewayOptions;
  /** Replays no dispatch up to this sequence number any more. */
  forget(upTo: number): void;
  /** All payloads with this opcode, of all connections. */
  received(op: number): FakePayload[];
  /** Waits until the condition is true; throws after the time. */
  until(claim: () => boolean, what: string): Promise<void>;
  stop(): Promise<void>;
}

const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export async function startFakeGateway(options: FakeGatewayOptions = {}): Promise<FakeGateway> {
  const sockets = new Set<net.Socket>();
  const connections: FakeConnection[] = [];
  /** Dispatches of the session, for replay. */
  let log: { s: number; text: string }[] = [];
  let seq = 0;
  let sessions = 0;

  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // a client may reset the connection in tests
    socket.on("close", () => sockets.delete(socket));
    let head: Buffer = Buffer.alloc(0);
    let receiver: Receiver | undefined;
    socket.on("data", (data: Buffer) => {
      if (receiver) return void receiver.write(data);
      head = Buffer.concat([head, data]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const request = head.subarray(0, end).toString();
      const { upgrade = "accept" } = gateway.options;
      if (upgrade === "hang") return;
      if (upgrade === "502") return void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      if (upgrade === "garbage") return void socket.end("SSH-2.0-OpenSSH_9.2\r\n\r\n");
      const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? "";
      const accept = createHash("sha1").update(key + ACCEPT_SUFFIX).digest("base64");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      receiver = serve(socket, request);
    });
  });

  function serve(socket: net.Socket, request: string): Receiver {
    const path = request.split(" ")[1] ?? "";
    const sender = new Sender(socket, {});
    const receiver = new Receiver({ isServer: true, maxPayload: 1 << 20 });
    const flush = zlib.constants.Z_SYNC_FLUSH;
    const deflate = path.includes("compress=zlib-stream")
      ? zlib.createDeflate({ flush })
      : undefined;
    let doesIgnoreClose = false;
    let tail = Promise.resolve();
    let parts: Buffer[] = [];
    deflate?.on("data", (part: Buffer) => void parts.push(part));

    const connection: FakeConnection = {
      number: connections.length + 1,
      path,
      userAgent: /^user-agent: *(.+)$/im.exec(request)?.[1],
      received: [],
      isOpen: true,
      send: (payload) => connection.sendText(JSON.stringify(payload)),
      sendText(text) {
        const frame = (data: string | Buffer, binary: boolean) => {
          if (socket.writable) {
            sender.send(data, { binary, mask: false, fin: true, compress: false });
          }
        };
        if (!deflate) return frame(text, false);
        tail = tail.then(() =>
          new Promise((done) => {
            deflate.write(text, () =>
              deflate.flush(flush, () => {
                frame(Buffer.concat(parts), true);
                parts = [];
                done();
              }));
          })
        );
      },
      sendBytes: (bytes) => void socket.write(bytes),
      dispatch(t, d) {
        seq++;
        const text = JSON.stringify({ t, s: seq, op: 0, d });
        log.push({ s: seq, text });
        connection.sendText(text);
      },
      close(code, reason = "") {
        tail = tail.then(() => {
          sender.close(code, reason, false, () => socket.end());
        });
      },
      destroy: () => void socket.destroy(),
      goDeaf() {
        socket.pause();
        receiver.removeAllListeners("message");
      },
      ignoreClose() {
        doesIgnoreClose = true;
      },
    };
    connections.push(connection);
    receiver.on("message", (data) => {
      const { op, d }: FakePayload = JSON.parse(data.toString());
      const payload = { op, d, at: performance.now() };
      connection.received.push(payload);
      if (!gateway.options.handle?.(payload, connection)) answer(payload, connection);
    });
    receiver.on("conclude", (code) => {
      connection.closeCode = code;
      if (!doesIgnoreClose) socket.end();
    });
    receiver.on("error", () => socket.destroy());
    socket.on("close", () => {
      connection.isOpen = false;
      connection.closeCode ??= 1006;
      deflate?.destroy();
    });
    if (gateway.options.saysHello ?? true) {
      const heartbeat_interval = gateway.options.heartbeatMs ?? 45_000;
      connection.send({ t: null, s: null, op: 10, d: { heartbeat_interval } });
    }
    return receiver;
  }

  function answer({ op, d }: FakePayload, connection: FakeConnection): void {
    if (op === 1) {
      connection.send({ t: null, s: null, op: 11, d: null });
    } else if (op === 2) {
      sessions++;
      seq = 0;
      log = [];
      connection.dispatch("READY", readyData(sessions, url));
    } else if (op === 6) {
      for (const { s, text } of log) if (s > d.seq) connection.sendText(text);
      connection.dispatch("RESUMED", {});
    }
  }

  const { host = "127.0.0.1" } = options;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new TypeError("The fake has no port");
  const url = `ws://${host}:${address.port}`;

  const gateway: FakeGateway = {
    url,
    connections,
    get seq() {
      return seq;
    },
    options,
    forget: (upTo) => void (log = log.filter(({ s }) => s > upTo)),
    received: (op) =>
      connections.flatMap(({ received }) => received.filter((payload) => payload.op === op)),
    async until(claim, what) {
      const deadline = performance.now() + PATIENCE_MS;
      while (!claim()) {
        if (performance.now() > deadline) {
          throw new Error(`Waited ${PATIENCE_MS} ms in vain: ${what}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return gateway;
}

/** `d` of a READY; the path of its resume URL marks RESUMEs. */
export function readyData(session: number, url: string): unknown {
  return {
    v: 10,
    session_id: `session-${session}`,
    resume_gateway_url: `${url}/resume`,
    user: { id: "1500000000000000001", username: "barnacle", discriminator: "0", bot: true },
    application: { id: "1500000000000000002", flags: 0 },
    guilds: [],
  };
}

/** Starts gateways that stop at the end of the test. */
export function fakeGatewaysOf(cleanups: Cleanups): typeof startFakeGateway {
  return async (...args) => {
    const gateway = await startFakeGateway(...args);
    cleanups.push(() => gateway.stop());
    return gateway;
  };
}

/** Number of connections that the client has not closed, as the server sees it. */
export function openNow({ connections }: FakeGateway): number {
  return connections.filter(({ isOpen, closeCode }) => isOpen && closeCode === undefined).length;
}
