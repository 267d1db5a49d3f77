/**
 * An HTTP server with limits on each client's time, size and connections.
 *
 * It uses `node:http` on both runtimes: their own servers keep a client connected for ever that
 * sends a byte now and then.
 *
 * At a limit of connections the oldest idle one makes room, and first of all one that never had an
 * answer. To refuse the newest instead would let a
 * client that holds its connections open keep every health probe out. A connection that makes room may
 * have a request on its way, so it stays until it has the answer 503.
 */

import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { codeOf } from "../lib/errors.ts";
import { isLoopback } from "../lib/network/addresses.ts";
import { MAX_TIMER_MS } from "../lib/clock.ts";
import { collectGarbage } from "./process/release_pages.ts";

export type RequestHandler = (request: Request) => Response | Promise<Response>;

export interface HttpTimeouts {
  readonly headersMs: number;
  readonly requestMs: number;
  /** Between two requests on one connection. */
  readonly keepAliveMs: number;
  /** For running requests after `close`. */
  readonly closeMs: number;
}

export interface HttpBounds extends HttpTimeouts {
  /** Maximum size of a body; {@link MAX_BODY_BYTES} by default. */
  readonly maxBodyBytes?: number;
  /**
   * Whether a client with a larger body gets an answer by the handler, which must not read it. Then
   * the connection ends. Absent: it ends at once.
   */
  readonly answersLarge?: true;
  /** Path of `http.publicUrl`: a proxy removes it from an address, or passes it on. */
  readonly below?: string;
  /** Maximum number of connections; those of {@link LIMITS} by default. */
  readonly limits?: ConnectionLimits;
  /** How long an answer may take, until the client has all of it; {@link ANSWER_MS} by default. */
  readonly answerMs?: number;
  /** Age at which a connection gets no further request; {@link REUSE_MS} by default. */
  readonly reuseMs?: number;
  /** For a connection without a place, until it sends its request; {@link TURNED_AWAY_MS} by default. */
  readonly turnedAwayMs?: number;
}

const LIMITS: ConnectionLimits = { total: 64, perAddress: 16, keptForLoopback: 8 };
/** Connections without a place that may wait for their 503; each takes some 10 kB for a moment. */
const MAX_TURNED_AWAY = 4_096;
/**
 * How long they may take to send a request, in milliseconds. Of more than 512 at one instant, the
 * kernel drops packets, and a client repeats them seconds later.
 */
const TURNED_AWAY_MS = 10_000;
const MAX_HEADER_BYTES = 8_192;

const TOO_LARGE_TEXT =
  "The headers of the request have more than 8 KiB. In a browser, delete the " +
  "cookies of this address\n";
const TOO_LARGE = [
  "HTTP/1.1 431 Request Header Fields Too Large",
  "Connection: close",
  "Content-Type: text/plain; charset=utf-8",
  `Content-Length: ${TOO_LARGE_TEXT.length}`,
  "",
  TOO_LARGE_TEXT,
].join("\r\n");

/**
 * Turns of the event loop before a connection ends whose time is over. On a busy machine its bytes may
 * have arrived, and Bun reads those of 1,024 connections in a turn.
 */
const TURNS = 8;

/** Requests that one connection may send. */
const MAX_REQUESTS = 100;

/**
 * Maximum size of a body. No endpoint of the bot reads one, but Bun keeps it in memory. A body of
 * unannounced size is too large.
 */
const MAX_BODY_BYTES = 65_536;

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 60_000;

/**
 * Age at which a connection gets no further request, in milliseconds. The answer before says so. To
 * end a connection while it is in use would take an answer back.
 */
const REUSE_MS = 30_000;

/**
 * Connections and requests after which garbage is collected. Each leaves some 7 kB, and Bun waits
 * until the heap has doubled. So a client that asked 9,000 times a second exhausted 512 MiB, the
 * limit of the systemd unit, within ten seconds. Collecting costs at most 30 ms.
 */
const COLLECT_AFTER = 4_000;

export interface ServedConnection extends OpenConnection {
  readonly socket: Socket;
  /** When it was opened, in milliseconds of `performance.now()`. */
  readonly openedAt: number;
  isBusy: boolean;
  /** Number of requests. */
  answered: number;
}

/**
 * Creates a server that does not listen yet.
 *
 * @param connections The open connections of all servers of one program, oldest first.
 * @param collect Collects garbage, at once.
 */
export function createBoundedServer(
  handler: RequestHandler,
  bounds: HttpBounds,
  connections: Set<ServedConnection>,
  collect: () => void = collectGarbage,
): Server {
  const turnedAway = new Set<Socket>(); // bounded, like all connections
  const server = createServer(
    { connectionsCheckingInterval: MAX_TIMER_MS, maxHeaderSize: MAX_HEADER_BYTES },
    getRequestListener((request, { incoming }) => {
      if (turnedAway.has(incoming.socket)) {
        const headers = { "Retry-After": "1", Connection: "close" };
        return new Response("Too many connections at once\n", { status: 503, headers });
      }
      return handler(request);
    }, { overrideGlobalObjects: false }),
  );
  const refused = new WeakSet<object>();
  // After Bun's own answer to a broken request, the data behind it stays in memory: 900 MB after six
  // seconds of large headers. So the connection and its memory end at once. A browser sends large
  // headers, too, with cookies of other programs on this machine: its user reads why.
  server.on("clientError", (error, socket) => {
    const isTooLarge = codeOf(error) === "HPE_HEADER_OVERFLOW" && !refused.has(socket);
    if (!isTooLarge || !socket.writable) return void socket.destroy();
    refused.add(socket);
    socket.write(TOO_LARGE, () => socket.destroy());
  });
  let uncollected = 0;
  const count = (): void => {
    if (++uncollected < COLLECT_AFTER) return;
    uncollected = 0;
    collect();
  };
  server.on("connection", count);
  server.on("request", count);
  const { below } = bounds;
  if (below) {
    server.prependListener("request", (incoming) => {
      if (incoming.url?.startsWith(`${below}/`)) incoming.url = incoming.url.slice(below.length);
    });
  }
  server.keepAliveTimeout = bounds.keepAliveMs;
  server.maxRequestsPerSocket = MAX_REQUESTS;
  boundConnections(server, bounds, connections, turnedAway);
  return server;
}

/**
 * Closes connections that send no request or take no answer in time, and those that must make room.
 *
 * Node checks all connections twice a second for ever, but an idle bot has none and should not
 * wake. So each connection has its own timers.
 */
function boundConnections(
  server: Server,
  {
    headersMs,
    requestMs,
    keepAliveMs,
    maxBodyBytes = MAX_BODY_BYTES,
    answerMs = ANSWER_MS,
    reuseMs = REUSE_MS,
    turnedAwayMs = TURNED_AWAY_MS,
    answersLarge,
    limits = LIMITS,
  }: HttpBounds,
  connections: Set<ServedConnection>,
  turnedAway: Set<Socket>,
): void {
  const bySocket = new WeakMap<Socket, ServedConnection>();
  const timers = new WeakMap<Socket, ReturnType<typeof setTimeout>>();
  const wait = (socket: Socket, ms: number): void => {
    clearTimeout(timers.get(socket));
    const timer = setTimeout(() => look(TURNS), ms);
    timers.set(socket, timer);
    function look(turns: number): void {
      if (timers.get(socket) !== timer) return; // its bytes have come
      if (turns === 0) socket.destroy();
      else setImmediate(() => look(turns - 1));
    }
  };
  const setBusy = (socket: Socket, isBusy: boolean): void => {
    const connection = bySocket.get(socket);
    if (connection) connection.isBusy = isBusy;
  };

  const turnAway = (socket: Socket): void => {
    if (turnedAway.size >= MAX_TURNED_AWAY) return void socket.destroy();
    turnedAway.add(socket);
    wait(socket, turnedAwayMs);
  };

  server.on("connection", (socket: Socket) => {
    wait(socket, headersMs);
    socket.once("close", () => {
      clearTimeout(timers.get(socket));
      turnedAway.delete(socket);
    });
    const address = socket.remoteAddress ?? "";
    const client = { address, isLocal: isLoopback(address) };
    const admission = admitConnection([...connections], client, limits);
    if (admission === "refuse") return turnAway(socket);
    if (admission !== "accept") {
      connections.delete(admission);
      turnAway(admission.socket);
    }
    const openedAt = performance.now();
    const connection: ServedConnection = {
      ...client,
      socket,
      openedAt,
      isBusy: false,
      answered: 0,
    };
    connections.add(connection);
    bySocket.set(socket, connection);
    socket.once("close", () => connections.delete(connection));
  });
  server.on("request", (request, response) => {
    const { socket, headers } = request;
    const bodyBytes = headers["transfer-encoding"] === undefined
      ? Number(headers["content-length"] ?? 0)
      : Infinity;
    const isTurnedAway = turnedAway.has(socket);
    if (isTurnedAway || bodyBytes > maxBodyBytes) {
      if (!isTurnedAway && !answersLarge) return void socket.destroy();
      // To destroy it at once could take the answer back.
      response.once("finish", () => {
        socket.end();
        wait(socket, headersMs);
      });
      return;
    }
    const connection = bySocket.get(socket);
    const hasBody = bodyBytes > 0;
    const isOld = connection !== undefined && performance.now() - connection.openedAt >= reuseMs;
    if (isOld) response.setHeader("Connection", "close");
    wait(socket, hasBody ? requestMs : answerMs);
    setBusy(socket, !hasBody);
    if (hasBody) {
      request.once("end", () => {
        wait(socket, answerMs);
        setBusy(socket, true);
      });
    }
    response.once("finish", () => {
      setBusy(socket, false);
      if (socket.destroyed) return;
      wait(socket, keepAliveMs + headersMs);
      // `maxRequestsPerSocket` announces the end, but leaves it to the client.
      // Requests that a client sent ahead are read already, so answers count.
      if (connection && ++connection.answered >= MAX_REQUESTS || isOld) socket.end();
    });
  });
}

/** Limits of connections, over all addresses that the server listens on. */
export interface ConnectionLimits {
  /** Maximum number of all connections. */
  readonly total: number;
  /** From one address of another machine. */
  readonly perAddress: number;
  /** Part of `total` that only clients on this machine may use. */
  readonly keptForLoopback: number;
}

export interface OpenConnection {
  readonly address: string;
  readonly isLocal: boolean;
  /** Whether a complete request is being answered. */
  readonly isBusy: boolean;
  /** Requests that it got an answer to. */
  readonly answered: number;
}

/**
 * Decides about a new connection.
 *
 * @param open Open connections, oldest first, without the new one.
 * @returns Whether it gets a place, or the one that makes room for it.
 */
export function admitConnection<Connection extends OpenConnection>(
  open: readonly Connection[],
  { address, isLocal }: Pick<OpenConnection, "address" | "isLocal">,
  { total, perAddress, keptForLoopback }: ConnectionLimits,
): "accept" | "refuse" | Connection {
  const remote = open.filter((one) => !one.isLocal);
  const sameAddress = remote.filter((one) => one.address === address);
  /** The oldest without a request; one that never had an answer goes first: it may be a pinned one. */
  const idleOf = (some: readonly Connection[]) =>
    some.find(({ isBusy, answered }) => !isBusy && answered === 0) ??
      some.find(({ isBusy }) => !isBusy);
  let oldest: Connection | undefined;
  if (!isLocal && sameAddress.length >= perAddress) oldest = idleOf(sameAddress);
  else if (!isLocal && remote.length >= total - keptForLoopback) oldest = idleOf(remote);
  else if (open.length >= total) oldest = idleOf(remote) ?? idleOf(open);
  else return "accept";
  return oldest ?? "refuse";
}
