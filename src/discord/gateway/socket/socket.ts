/**
 * Opens the WebSocket to the gateway on a stream of `transport.ts`.
 *
 * Neither runtime's own client can set TCP keepalive, be paused, or be closed if the peer does not
 * answer. This socket can. The package `ws` reads and writes frames. It is imported by path,
 * because under Bun the bare name is Bun's own module. Opcodes and sessions are not its concern.
 *
 * It uses `node:net` and `node:tls`, because TCP keepalive must be set on the kernel's socket,
 * below the proxy and TLS. Neither runtime opens tunnels through a proxy for plain sockets (G15).
 * Errors name the proxy, because the operator fixes them elsewhere than an outage of Discord.
 *
 * Barnacle uses Discord's `zlib-stream`. The window of `zstd-stream` may be 8 MiB, where zlib's is
 * 32 KiB, and it is no faster: 10,000 frames take 0.33 s on Bun, 0.07 s on Deno. On a busy machine,
 * Deno's decompression of it also stopped once in the middle.
 *
 * On Deno, a frame that is written before the last one is finished arrives out of order. So frames
 * are written one at a time. The owner of the socket bounds the waiting ones by `backlogBytes`.
 *
 * The socket is paused while too much data waits for decompression. Its end is reported only after all
 * earlier data, because the last payload may be an op 9.
 *
 * The probe connects as the bot does, proxy and certificates included. It never identifies, so it uses
 * no IDENTIFY and can run beside the bot.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#name-connect}
 */

import Receiver from "../../../../node_modules/ws/lib/receiver.js";
import Sender from "../../../../node_modules/ws/lib/sender.js";
import net from "node:net";
import tls from "node:tls";
import zlib from "node:zlib";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import type { HelloStage } from "../../../core/discord/gateway.ts";
import { schedule } from "../../../lib/clock.ts";
import { codeOf } from "../../../lib/errors.ts";
import { hostOf, isLoopbackHost, portOf } from "../../../lib/network/addresses.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { meaningOf } from "../lifecycle/close_codes.ts";
import { gatewayUrl, readFrame } from "./frame.ts";

/** Settings of each socket of an account. */
export interface SocketRules {
  /** Idle seconds before the kernel probes the peer; 0 disables the probes. */
  readonly tcpKeepaliveSec: number;
  /** The proxy to use, such as `"http://user:pw@host:3128"`; absent for a direct connection. */
  readonly proxy?: string;
  /** User-Agent of the upgrade, in the form that Discord requires of bots. */
  readonly userAgent: string;
  /** Whether Discord compresses its payloads with `zlib-stream`. */
  readonly compress: boolean;
}

interface ConnectionOptions extends SocketRules {
  /** A URL with `wss:`; with `ws:` only for this machine, and only without a proxy. */
  readonly url: URL;
  /** Milliseconds from the name look-up to the 101 response. */
  readonly connectTimeoutMs: number;
}

type TransportOptions = Omit<ConnectionOptions, "compress">;

/** Milliseconds between attempts with different address families (RFC 8305). */
const ADDRESS_FAMILY_DELAY_MS = 250;

/** Starts connecting; the result arrives in `events`. */
function openTransport(
  { url, tcpKeepaliveSec, proxy }: TransportOptions,
  events: {
    /** Called once, with the stream for the upgrade request. */
    onConnected(stream: net.Socket): void;
    /** The stream failed or ended, before or after `onConnected`. May be called more than once. */
    onEnd(reason: string): void;
  },
) {
  const streams: net.Socket[] = [];
  const keepalive = {
    keepAlive: tcpKeepaliveSec > 0,
    keepAliveInitialDelay: tcpKeepaliveSec * 1_000,
  };
  let step = "no connection";

  /** Reports the stream's end; `prefix` is put before the reason. */
  const track = (stream: net.Socket, prefix: () => string = () => ""): net.Socket => {
    streams.unshift(stream);
    stream.on("error", (error) => events.onEnd(prefix() + nameOf(error)));
    stream.on("close", () => events.onEnd(`${prefix()}connection broke`));
    stream.on("end", () => events.onEnd(`${prefix()}connection broke`));
    return stream;
  };
  const connected = (stream: net.Socket) => {
    step = "no answer to the upgrade";
    events.onConnected(stream);
  };

  function connectDirectly(): void {
    const target = { ...keepalive, ...addressOf(url) };
    if (url.protocol !== "wss:") {
      const socket = track(net.connect(target));
      return void socket.once("connect", () => connected(socket));
    }
    const secure = track(tls.connect({ ...target, ...identityOf(url) }));
    secure.once("connect", () => step = "no TLS");
    secure.once("secureConnect", () => connected(secure));
  }

  function connectThroughProxy(proxyUrl: URL): void {
    let isTunnelOpen = false;
    const prefix = () => isTunnelOpen ? "" : "the proxy: ";
    const tunnel = (stream: net.Socket) => {
      step = "no answer of the proxy";
      requestTunnel(stream, proxyUrl, `${url.hostname}:${portOf(url)}`, {
        onOpen() {
          isTunnelOpen = true;
          if (url.protocol !== "wss:") return connected(stream);
          step = "no TLS";
          const secure = track(tls.connect({ socket: stream, ...identityOf(url) }));
          secure.once("secureConnect", () => connected(secure));
        },
        onRefused: events.onEnd,
      });
    };
    step = "no connection to the proxy";
    const target = { ...keepalive, ...addressOf(proxyUrl) };
    if (proxyUrl.protocol !== "https:") {
      const socket = track(net.connect(target), prefix);
      return void socket.once("connect", () => tunnel(socket));
    }
    const secure = track(tls.connect({ ...target, ...identityOf(proxyUrl) }), prefix);
    secure.once("secureConnect", () => tunnel(secure));
  }

  if (proxy === undefined) connectDirectly();
  else connectThroughProxy(new URL(proxy));
  return {
    /** The step that has not succeeded yet, for time-out errors: `"no answer of the proxy"`. */
    get step(): string {
      return step;
    },
    /** Applies `how` to the outermost stream. Destroys the streams below once that one is closed. */
    end(how: (stream: net.Socket) => void): void {
      const [outermost, ...below] = streams;
      if (outermost) how(outermost);
      for (const stream of below) outermost?.once("close", () => stream.destroy());
    },
  };
}

function addressOf(url: URL): net.TcpNetConnectOpts {
  return {
    host: hostOf(url),
    port: portOf(url),
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_FAMILY_DELAY_MS,
  };
}

function identityOf(url: URL): tls.ConnectionOptions {
  const host = hostOf(url);
  return { host, servername: net.isIP(host) ? "" : host, ALPNProtocols: ["http/1.1"] };
}

/** Returns an error's code, such as `"ECONNREFUSED"`; without one its message or name. */
function nameOf(error: Error): string {
  return codeOf(error) ?? (error.message || error.name);
}

/** Bytes; a longer answer of a proxy is an error. */
const MAX_ANSWER_BYTES = 16_384;

/**
 * Asks a proxy for a tunnel.
 *
 * @param socket An open connection to the proxy.
 * @param proxy `http://user:pw@host:3128`. User and password appear only in the request.
 * @param target `"host:port"` to reach through the proxy.
 */
function requestTunnel(
  socket: net.Socket,
  proxy: URL,
  target: string,
  { onOpen, onRefused }: {
    /** From now on the stream reaches the target. */
    onOpen(): void;
    /** The proxy refused: `"the proxy asks for a user and password (407)"`. */
    onRefused(reason: string): void;
  },
): void {
  let answer: Buffer = Buffer.alloc(0);
  const onData = (data: Buffer) => {
    answer = Buffer.concat([answer, data]);
    const length = answer.indexOf("\r\n\r\n");
    if (length < 0) {
      if (answer.length > MAX_ANSWER_BYTES) finish(() => onRefused("the proxy is no HTTP proxy"));
      return;
    }
    const reason = proxyRefusalIn(answer.subarray(0, length).toString("latin1"));
    if (reason !== undefined) return finish(() => onRefused(reason));
    // The target speaks only after our request, so these bytes cannot be its own.
    if (answer.length > length + 4) {
      return finish(() => onRefused("the proxy sends data out of turn"));
    }
    finish(onOpen);
  };
  const finish = (then: () => void) => {
    socket.off("data", onData);
    then();
  };
  socket.on("data", onData);
  socket.write(connectRequest(proxy, target));
}

function connectRequest({ username, password }: URL, target: string): string {
  const user = Buffer.from(`${decoded(username)}:${decoded(password)}`);
  return [
    `CONNECT ${target} HTTP/1.1`,
    `Host: ${target}`,
    ...(username === "" ? [] : [`Proxy-Authorization: Basic ${user.toString("base64")}`]),
    "\r\n",
  ].join("\r\n");
}

/** Decodes a user or password of a URL. A text with a lone `%` stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // malformed escapes: only a `URIError` is possible here
  }
}

/** @returns Why the proxy refused; `undefined` if it opened the tunnel. */
function proxyRefusalIn(head: string): string | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return "the proxy is no HTTP proxy";
  if (status.startsWith("2")) return undefined;
  if (status === "407") return "the proxy asks for a user and password (407)";
  return `the proxy refused (HTTP ${status})`;
}

/**
 * Maximum bytes of one payload, compressed as well as decompressed. A longer one is taken for a
 * decompression bomb.
 */
const MAX_MESSAGE_BYTES = 16 << 20;

/**
 * Maximum frames of one payload. Discord sends a payload as one frame. Each more costs more memory
 * than its bytes.
 */
const MAX_FRAMES = 4_096;

const CHUNK_BYTES = 65_536;

/** The last bytes of each payload in a zlib stream (Z_SYNC_FLUSH). */
const ZLIB_END = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export function createInflater(events: {
  onText(text: string): void;
  /** Everything pushed so far is decompressed. */
  onIdle(): void;
  /** The stream is broken: its owner must reconnect. */
  onError(error: Error): void;
}) {
  const stream = zlib.createInflate({ chunkSize: CHUNK_BYTES });
  let waiting: Buffer[] = [];
  let text: Buffer[] = [];
  let textBytes = 0;
  const open = { frames: 0, bytes: 0 }; // of the payload that is not whole yet
  let backlogBytes = 0;
  let isBusy = false;
  let isOver = false;

  const fail = (error: Error) => {
    if (isOver) return;
    close();
    events.onError(error);
  };
  const failAsTooLong = () => fail(new RangeError("A message is longer than 16 MiB"));
  stream.on("data", (part: Buffer) => {
    text.push(part);
    textBytes += part.length;
    if (textBytes > MAX_MESSAGE_BYTES) failAsTooLong();
  });
  stream.on("error", fail);

  function next(): void {
    const frame = waiting.shift();
    if (isOver || !frame) {
      isBusy = false;
      if (!isOver) events.onIdle();
      return;
    }
    isBusy = true;
    open.frames += 1;
    open.bytes += frame.length;
    if (open.frames > MAX_FRAMES || open.bytes > MAX_MESSAGE_BYTES) return failAsTooLong();
    stream.write(frame, (error) => {
      if (isOver) return;
      if (error) return fail(error);
      backlogBytes -= frame.length;
      if (frame.subarray(-ZLIB_END.length).equals(ZLIB_END)) {
        const whole = Buffer.concat(text, textBytes).toString();
        text = [];
        textBytes = 0;
        open.frames = 0;
        open.bytes = 0;
        events.onText(whole);
      }
      next();
    });
  }

  function close(): void {
    if (isOver) return;
    isOver = true;
    waiting = [];
    text = [];
    backlogBytes = 0;
    stream.destroy();
  }

  return {
    push(frame: Buffer): void {
      if (isOver) return;
      waiting.push(frame);
      backlogBytes += frame.length;
      if (!isBusy) next();
    },
    /** Bytes of the frames that are not decompressed yet. */
    get backlogBytes(): number {
      return backlogBytes;
    },
    /** Discards everything; no event follows. */
    close,
  };
}

export interface SocketClose {
  /** The close code; absent if there was no close frame, or if it had none. */
  readonly code?: number;
  /** Discord's text, which may be empty; without a code the error's name: `"ECONNREFUSED"`. */
  readonly reason: string;
}

/** Bytes; a longer answer to the upgrade is an error. */
const MAX_HEADER_BYTES = 16_384;

/** Bounds of one message; a GUILD_CREATE of the largest guild has a few million bytes. */
const MESSAGE_BOUNDS = {
  maxPayload: MAX_MESSAGE_BYTES,
  maxFragments: MAX_FRAMES,
  /** Reads from the network that one frame may take: TCP segments of 256 bytes. */
  maxBufferedChunks: 65_536,
};

/**
 * Bytes that may wait for a peer that does not read. Then it gets nothing more, and the missing
 * heartbeat acknowledgement ends the connection. Otherwise its pings alone could fill the memory.
 */
const MAX_UNSENT_BYTES = 256 << 10;

const CLOSE_TIMEOUT_MS = 1_000;

/** Suffix that a server adds to the upgrade's key (RFC 6455, 1.3). */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Starts connecting.
 *
 * @throws {TypeError} If the token must not be sent to this URL.
 */
export function openSocket(
  options: TransportOptions,
  { onOpen, onText, onBinary, onClose }: {
    readonly onOpen: () => void;
    readonly onText: (text: string) => void;
    readonly onBinary: (data: Buffer) => void;
    /** The last call, made once; never after `close()`. */
    readonly onClose: (close: SocketClose) => void;
  },
) {
  assertSafeUrl(options);
  const key = randomBytes(16).toString("base64");
  let stream: net.Socket | undefined;
  let sender: Sender | undefined;
  let receiver: Receiver | undefined;
  let head: Buffer = Buffer.alloc(0);
  let isOver = false;
  let isCloseSent = false;

  const end = (close: SocketClose) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    transport.end((outermost) => outermost.destroy());
    onClose(close);
  };
  const timer = setTimeout(
    () => end({ reason: `${transport.step} in time` }),
    options.connectTimeoutMs,
  );
  const transport = openTransport(options, {
    onConnected(connected) {
      if (isOver) return;
      stream = connected;
      connected.on("data", (data: Buffer) => read(connected, data));
      connected.write(upgradeRequest(options, key));
    },
    onEnd: (reason) => end({ reason }),
  });

  const mayWrite = () => !isOver && (stream?.writableLength ?? 0) < MAX_UNSENT_BYTES;

  function sendClose(code: number | undefined): void {
    if (!isCloseSent) sender?.close(code, "", true);
    isCloseSent = true;
  }

  function read(socket: net.Socket, data: Buffer): void {
    if (isOver) return; // data that arrives while closing is dropped
    if (receiver) return void receiver.write(data);

    head = Buffer.concat([head, data]);
    const length = head.indexOf("\r\n\r\n");
    if (length < 0) {
      if (head.length > MAX_HEADER_BYTES) end({ reason: "not an answer to an upgrade" });
      return;
    }
    const refusal = refusalIn(head.subarray(0, length).toString("latin1"), key);
    if (refusal !== undefined) return end({ reason: refusal });

    clearTimeout(timer);
    sender = new Sender(socket, {});
    receiver = receiverFor(sender);
    const rest = head.subarray(length + 4);
    head = Buffer.alloc(0);
    onOpen();
    if (rest.length > 0) receiver.write(rest);
  }

  function receiverFor(sender: Sender): Receiver {
    const receiver = new Receiver({ isServer: false, ...MESSAGE_BOUNDS, skipUTF8Validation: true });
    receiver.on("message", (data: Buffer, isBinary: boolean) => {
      if (isOver) return;
      if (isBinary) onBinary(data);
      else onText(data.toString());
    });
    receiver.on("ping", (data: Buffer) => {
      if (mayWrite()) sender.pong(data, true);
    });
    receiver.on("error", (error: Error) => end({ reason: nameOf(error) }));
    receiver.on("conclude", (code: number, reason: Buffer) => {
      if (isOver) return;
      const hasCode = code !== NO_CODE;
      sendClose(hasCode ? code : undefined);
      end(hasCode ? { code, reason: reason.toString() } : { reason: "closed without a code" });
    });
    return receiver;
  }

  return {
    /**
     * Sends a text message. Does nothing before the socket is open, after it has ended, and while the
     * peer does not read.
     */
    send(text: string): void {
      if (!mayWrite()) return;
      sender?.send(text, { binary: false, mask: true, fin: true, compress: false });
    },
    /** Sends the close frame and keeps reading: `onClose` follows once Discord has closed. */
    beginClose(code: number): void {
      if (!isOver) sendClose(code);
    },
    /** Closes, and waits a second at most for the peer. No event follows. */
    close: (code: number): Promise<void> => {
      if (isOver) return Promise.resolve();
      isOver = true;
      clearTimeout(timer);
      return new Promise((resolve) => {
        // If a close frame was sent before, the peer has had its time to answer.
        const from = isCloseSent ? undefined : sender;
        transport.end((outermost) => closeGracefully(outermost, from, code, resolve));
      });
    },
    pause: (): void => void stream?.pause(),
    resume: (): void => void stream?.resume(),
  };
}

/** Allows an unencrypted connection, and with it the token, only to this machine. */
function assertSafeUrl({ url, proxy }: TransportOptions): void {
  if (url.protocol === "wss:") return;
  if (url.protocol !== "ws:") {
    throw new TypeError(`Cannot connect to a gateway by ${url.protocol}`);
  }
  if (!isLoopbackHost(url.hostname)) {
    throw new TypeError(`Cannot connect to ${url.host} without TLS: it is not this machine`);
  }
  if (proxy !== undefined) {
    throw new TypeError(`Cannot connect to ${url.host} without TLS through a proxy`);
  }
}

function upgradeRequest({ url, userAgent }: TransportOptions, key: string): string {
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    `User-Agent: ${userAgent}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    "\r\n",
  ].join("\r\n");
}

/** @returns Why the upgrade failed; `undefined` if it succeeded. */
function refusalIn(header: string, key: string): string | undefined {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(header)?.[1];
  if (status === undefined) return "not an answer to an upgrade";
  if (status !== "101") return `HTTP ${status}`;
  const accept = /^sec-websocket-accept:[ \t]*(\S+)/im.exec(header)?.[1];
  const wanted = createHash("sha1").update(key + ACCEPT_SUFFIX).digest("base64");
  return accept === wanted ? undefined : "not an answer to our upgrade";
}

/** The code that `ws` reports for a close frame without a code (RFC 6455, 7.4.1). */
const NO_CODE = 1005;

function closeGracefully(
  socket: net.Socket,
  sender: Sender | undefined,
  code: number,
  onGone: () => void,
): void {
  const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
  socket.once("close", () => {
    clearTimeout(timer);
    onGone();
  });
  if (!sender) return void socket.destroy();
  socket.resume(); // with unread data the kernel would send a reset instead of our close frame
  sender.close(code, "", true, () => socket.end());
}

/** Bytes that may wait for decompression before the socket is paused. */
const MAX_BACKLOG_BYTES = 256 << 10;

/**
 * Starts connecting.
 *
 * @throws {TypeError} If the token must not be sent to this URL.
 */
export function openPayloadSocket(
  options: ConnectionOptions,
  events: {
    readonly onOpen: () => void;
    readonly onText: (text: string) => void;
    /** The received data cannot be decoded any more. The owner must still close the connection. */
    readonly onGarbled: (reason: string) => void;
    /** The last call, made once; never after `close()`. */
    readonly onClose: (close: SocketClose) => void;
  },
) {
  let inflater: ReturnType<typeof createInflater> | undefined;
  let ended: SocketClose | undefined;
  let isReaderFull = false;
  let isPaused = false;

  if (options.compress) {
    inflater = createInflater({
      onText: events.onText,
      onIdle() {
        updatePause();
        if (ended) events.onClose(ended);
      },
      onError: () => events.onGarbled("the compressed stream is broken"),
    });
  }

  const socket: ReturnType<typeof openSocket> = openSocket(options, {
    onOpen: events.onOpen,
    onText: events.onText,
    onBinary(data) {
      if (!inflater) return events.onText(data.toString());
      inflater.push(data);
      updatePause();
    },
    onClose(close) {
      ended = close;
      if (!inflater || inflater.backlogBytes === 0) events.onClose(close);
    },
  });

  function updatePause(): void {
    const mustPause = isReaderFull || (inflater?.backlogBytes ?? 0) > MAX_BACKLOG_BYTES;
    if (mustPause === isPaused) return;
    isPaused = mustPause;
    if (isPaused) socket.pause();
    else socket.resume();
  }

  return {
    /** Sends one payload. Does nothing before the socket is open and after it has ended. */
    send: socket.send,
    /** Sends the close frame and keeps reading: `onClose` follows once Discord has closed. */
    beginClose: socket.beginClose,
    /** Resolves once the socket is closed, after a second at most. */
    close(code: number): Promise<void> {
      inflater?.close();
      return socket.close(code);
    },
    /** Pauses reading while the reader of the texts has no room. */
    setPaused(isFull: boolean): void {
      isReaderFull = isFull;
      updatePause();
    },
  };
}

export type PayloadSocket = ReturnType<typeof openPayloadSocket>;

/** Close code for a normal end. There is no session that it could end. */
const NORMAL_CLOSURE = 1000;

const FOREIGN = "the first message is not HELLO: another server answers in its place";

/** Discord sends no dispatch before an IDENTIFY. */
const NO_TYPES: ReadonlySet<string> = new Set();

/**
 * Connects, waits for HELLO, and closes.
 *
 * @param url The gateway's URL as Discord reports it.
 * @param timeoutMs Milliseconds until the 101 response, and again until HELLO.
 * @throws {TypeError} If the token must not be sent to this URL.
 */
export async function probeGateway(
  { url, proxy, timeoutMs, userAgent }: {
    readonly url: string;
    readonly proxy?: string;
    readonly timeoutMs: number;
    readonly userAgent: string;
  },
): Promise<HelloStage> {
  const startedAt = performance.now();
  const { promise, resolve } = Promise.withResolvers<HelloStage>();
  let openMs: number | undefined;
  let stopWaiting = () => {};
  const since = () => performance.now() - startedAt;
  const fail = (code: string) => resolve({ kind: "failed", ms: since(), code });

  const socket = openSocket({
    url: gatewayUrl(url, false),
    tcpKeepaliveSec: 0,
    connectTimeoutMs: timeoutMs,
    userAgent,
    proxy,
  }, {
    onOpen() {
      openMs = since();
      stopWaiting = schedule(() => fail("HELLO did not come in time"), timeoutMs);
    },
    onBinary: () => fail(FOREIGN),
    onText(text) {
      const frame = readFrame(text, NO_TYPES);
      if (frame.kind !== "event" || frame.event.kind !== "hello" || openMs === undefined) {
        return fail(FOREIGN);
      }
      const found = { openMs, heartbeatIntervalMs: frame.event.intervalMs };
      resolve({ kind: "ok", ms: since(), found });
    },
    onClose(close) {
      fail(openMs === undefined ? close.reason : endOf(close));
    },
  });
  try {
    return await promise;
  } finally {
    stopWaiting();
    await socket.close(NORMAL_CLOSURE);
  }
}

function endOf({ code, reason }: SocketClose): string {
  if (code === undefined) return `the connection ended before HELLO (${reason})`;
  const text = reason === "" ? "" : `, ${quoted(reason)}`;
  return `closed before HELLO: ${code}, ${meaningOf(code).name}${text}`;
}
