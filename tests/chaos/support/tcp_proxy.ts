/**
 * A TCP proxy between the bot and the simulated Discord that can cut, slow or corrupt connections.
 *
 * `strike` affects open connections and `welcome` new ones. A failed network does both, a flapping
 * one only the first. A process cannot change single packets: `blackhole` holds bytes back and
 * delivers them once it is over, as TCP would.
 */

import type { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import { OWN_HOST } from "../../support/network/own_host.ts";

export type Trouble =
  | { readonly kind: "pass" }
  /** Delays each byte by that time, in both directions. */
  | { readonly kind: "delay"; readonly ms: number }
  /** The client gets its bytes one by one. */
  | { readonly kind: "drip"; readonly bytesPerSec: number }
  /** Keeps the connection open, but passes nothing in either direction. */
  | { readonly kind: "blackhole" }
  | { readonly kind: "reset" }
  /** The client reads an end, and may continue writing. */
  | { readonly kind: "half_close" }
  /** Resets the connection once the client has received that many more bytes. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Replaces the server's bytes by as many random ones. */
  | { readonly kind: "garbage" };

export interface TcpProxy {
  readonly port: number;
  /** Sets the treatment of new connections. */
  welcome(trouble: Trouble | { readonly kind: "refuse" }): Promise<void>;
  /** Affects all open connections, and returns their number. */
  strike(trouble: Trouble): number;
  open(): number;
  /** The number of connections since the start. */
  accepted(): number;
  close(): Promise<void>;
}

const PASS: Trouble = { kind: "pass" };

/**
 * Starts a proxy.
 *
 * @param target The port that it leads to, on loopback.
 */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const wires = new Set<Wire>();
  let count = 0;
  let atWelcome: Trouble = PASS;
  let server: Server | undefined;

  const listen = async (port: number): Promise<number> => {
    const opened = createServer({ allowHalfOpen: true }, (client) => {
      count += 1;
      const wire = span(client, target, () => wires.delete(wire));
      wires.add(wire);
      wire.suffer(atWelcome);
    });
    await new Promise<void>((resolve, reject) => {
      opened.once("error", reject);
      opened.listen(port, OWN_HOST, resolve);
    });
    server = opened;
    const address = opened.address();
    if (address === null || typeof address === "string") throw new TypeError("It takes a TCP port");
    return address.port;
  };
  const port = await listen(0);
  const deafen = () => {
    server?.close();
    server = undefined;
  };

  return {
    port,
    async welcome(trouble) {
      if (trouble.kind === "refuse") return deafen();
      atWelcome = trouble;
      if (!server) await listen(port);
    },
    strike(trouble) {
      const struck = wires.size;
      for (const wire of wires) wire.suffer(trouble);
      return struck;
    },
    open: () => wires.size,
    accepted: () => count,
    async close() {
      const closing = server;
      deafen();
      for (const wire of wires) wire.suffer({ kind: "reset" });
      if (closing?.listening) await new Promise<void>((resolve) => closing.close(() => resolve()));
    },
  };
}

/** One connection through the proxy. */
interface Wire {
  suffer(trouble: Trouble): void;
}

function span(client: Socket, target: number, gone: () => void): Wire {
  const server = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let trouble: Trouble = PASS;
  let leftBytes = Infinity;
  let isOver = false;
  let closed = 0;
  /** Bytes that arrived while nothing passed. */
  let held: (() => void)[] = [];

  const finish = () => {
    if (isOver) return;
    isOver = true;
    for (const timer of timers) clearTimeout(timer);
    gone();
  };
  const reset = () => {
    finish();
    for (const socket of [client, server]) socket.resetAndDestroy();
  };
  const later = (ms: number, action: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!isOver) action();
    }, ms);
    timers.add(timer);
  };
  /** Runs a task now, or once data passes again. */
  const unlessDark = (action: () => void) => {
    if (trouble.kind === "blackhole") held.push(action);
    else action();
  };
  /** Runs tasks one after the other, each with the connection's delay. */
  const lane = () => {
    const waiting: { readonly action: () => void; readonly dueAt: number }[] = [];
    const goOn = () => {
      const [first] = waiting;
      if (!first) return;
      later(Math.max(0, first.dueAt - performance.now()), () => {
        unlessDark(first.action);
        waiting.shift();
        goOn();
      });
    };
    return (action: () => void) => {
      const ms = trouble.kind === "delay" ? trouble.ms : 0;
      if (ms === 0 && waiting.length === 0) return unlessDark(action);
      waiting.push({ action, dueAt: performance.now() + ms });
      if (waiting.length === 1) goOn();
    };
  };

  const write = (from: Socket, to: Socket, bytes: Buffer) => {
    if (to.writableEnded || to.destroyed || to.write(bytes)) return;
    from.pause();
    to.once("drain", () => trouble.kind !== "blackhole" && from.resume());
  };
  /** The bytes that the client receives for the server's. */
  const give = (bytes: Buffer) => {
    switch (trouble.kind) {
      case "garbage":
        return write(server, client, bytes.fill(0xa5));
      case "drip":
        server.pause();
        return drip(bytes, trouble.bytesPerSec);
      default: {
        const given = bytes.subarray(0, leftBytes);
        leftBytes -= given.length;
        if (leftBytes > 0) return write(server, client, given);
        client.write(given, reset);
      }
    }
  };
  const drip = (bytes: Buffer, bytesPerSec: number) => {
    if (bytes.length === 0) return void server.resume();
    client.write(bytes.subarray(0, 1));
    later(1_000 / bytesPerSec, () => unlessDark(() => drip(bytes.subarray(1), bytesPerSec)));
  };

  const up = lane();
  const down = lane();
  client.on("data", (bytes: Buffer) => up(() => write(client, server, bytes)));
  server.on("data", (bytes: Buffer) => down(() => give(bytes)));
  for (const [from, to, inTurn] of [[client, server, up], [server, client, down]] as const) {
    from.setNoDelay(true);
    from.on("end", () => inTurn(() => to.end()));
    from.on("error", () => inTurn(reset)); // the other end learns of it as soon as possible
    from.on("close", () => {
      closed += 1;
      if (closed === 2) finish();
    });
  }

  return {
    suffer(next) {
      trouble = next;
      leftBytes = next.kind === "cut" ? next.afterBytes : Infinity;
      switch (next.kind) {
        case "reset":
          return reset();
        case "half_close":
          return void client.end();
        case "blackhole":
          client.pause();
          return void server.pause();
      }
      const waiting = held;
      held = [];
      for (const action of waiting) action();
      client.resume();
      server.resume();
    },
  };
}
