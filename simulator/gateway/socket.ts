/**
 * The server side of WebSockets, on a plain TCP socket.
 *
 * Servers of both runtimes can only close in the regular way. Discord's network does more:
 * connections stop answering, are reset, or are accepted and never answered. With a socket of our
 * own, both runtimes can simulate each of these.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6455}
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
// @ts-types="../ws.d.ts"
import { Receiver, Sender } from "../../node_modules/ws/wrapper.mjs";

/** One open WebSocket. */
export interface SocketLink {
  /** The client's request target, such as `/?v=10&encoding=json`. */
  readonly target: URL;
  send(data: string | Uint8Array): void;
  /** Sends a close code, and ends the connection if the client does not answer. */
  close(code: number, reason: string): void;
  /** Ends the TCP connection without a close frame. */
  cut(how: "fin" | "reset"): void;
}

/** Events of a link, for its owner. */
export interface LinkListener {
  message(data: Buffer, isBinary: boolean): void;
  /** @param code The client's close code; 1006 if the connection broke without one. */
  closed(code: number): void;
}

/** How to answer a connection before it is a WebSocket. */
export type ConnectionAnswer = "accept" | "reset" | "ignore";

export interface SocketServerOptions {
  readonly host: string;
  answerConnection(): ConnectionAnswer;
  opened(link: SocketLink): LinkListener;
}

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Unsent bytes at which a client counts as disconnected, because it does not read. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
/** Milliseconds for a client to answer a close frame. */
const CLOSE_WAIT_MS = 2_000;

/** Listens at any free port; `close()` ends open connections. */
export async function startSocketServer(
  options: SocketServerOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy()); // the client's reset; "close" follows
    socket.on("close", () => sockets.delete(socket));
    welcome(socket, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, options.host, resolve);
  });
  return {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError(`Cannot read the port of ${address}: it takes a TCP socket`);
  }
  return address.port;
}

function welcome(socket: Socket, options: SocketServerOptions): void {
  const verdict = options.answerConnection();
  if (verdict === "reset") return void socket.resetAndDestroy();
  if (verdict === "ignore") return void socket.resume(); // to notice when the client leaves
  let head = Buffer.alloc(0);
  const collect = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (head.length > MAX_HEAD_BYTES) socket.destroy();
      return;
    }
    socket.off("data", collect);
    upgrade(socket, head.subarray(0, end).toString("latin1"), head.subarray(end + 4), options);
  };
  socket.on("data", collect);
}

function upgrade(
  socket: Socket,
  head: string,
  rest: Buffer,
  { opened }: SocketServerOptions,
): void {
  const path = /^GET (\/\S*) HTTP\/1\.1\r\n/.exec(head)?.[1];
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1];
  const isUpgrade = /^upgrade: *websocket *$/im.test(head) &&
    /^sec-websocket-version: *13 *$/im.test(head);
  if (!path || !key || !isUpgrade) {
    return void socket.end(
      "HTTP/1.1 400 Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
  }
  const accept = createHash("sha1").update(key + WEBSOCKET_GUID).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  openLink(socket, new URL(path, "ws://gateway"), rest, opened);
}

function openLink(
  socket: Socket,
  target: URL,
  rest: Buffer,
  opened: SocketServerOptions["opened"],
): void {
  const sender = new Sender(socket, {});
  const receiver = new Receiver({ isServer: true, maxPayload: MAX_MESSAGE_BYTES });
  let state: "open" | "closing" | "closed" = "open";
  let code = 1006;
  let goodbye: ReturnType<typeof setTimeout> | undefined;

  const link: SocketLink = {
    target,
    send(data) {
      if (state !== "open") return;
      if (socket.writableLength > MAX_UNSENT_BYTES) return void socket.destroy();
      sender.send(data, { fin: true, binary: typeof data !== "string", mask: false });
    },
    close(closeCode, reason) {
      if (state !== "open") return;
      state = "closing";
      sender.close(closeCode, reason, false);
      goodbye = setTimeout(() => socket.destroy(), CLOSE_WAIT_MS);
    },
    cut(how) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    },
  };
  const listener = opened(link);
  receiver.on("message", (data, isBinary) => {
    if (state === "open") listener.message(data, isBinary);
  });
  receiver.on("ping", (data) => {
    if (state === "open") sender.pong(data, false);
  });
  receiver.on("error", () => link.close(1002, "Protocol error"));
  receiver.on("conclude", (clientCode) => {
    code = clientCode;
    if (state === "open") {
      sender.close(clientCode === 1005 ? undefined : clientCode, "", false, () => socket.end());
      state = "closing";
    } else socket.end();
    goodbye ??= setTimeout(() => socket.destroy(), CLOSE_WAIT_MS);
  });
  socket.on("data", (chunk: Buffer) => receiver.write(chunk));
  socket.on("close", () => {
    state = "closed";
    clearTimeout(goodbye);
    listener.closed(code);
  });
  if (rest.length > 0) receiver.write(rest);
}
