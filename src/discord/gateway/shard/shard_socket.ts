/**
 * Opens, writes to and closes the shard's one socket.
 *
 * It opens a socket only after the one before is closed.
 */

import { DEADLINES, type Effect, type SocketEvent } from "../lifecycle/state.ts";
import type { CommonOptions } from "../link/protocol.ts";
import type { PayloadSocket } from "../socket/payload_socket.ts";
import type { SocketClose } from "../socket/socket.ts";
import { gatewayUrl } from "../socket/wire.ts";
import type { Machine } from "./machine.ts";
import type { createReceiver } from "./receiver.ts";
import type { ShardContext, ShardReport } from "./report.ts";

export type Open = Extract<Effect, { kind: "open" }>;

/** Close code that keeps the session. With 1000 or 1001 Discord would end it. */
const KEEP_SESSION_CODE = 3000;

/** Creates the socket of a shard; it has no socket yet. */
export function createShardSocket(
  { compress, proxy, tcpKeepaliveSec, userAgent, deadlines = DEADLINES }: CommonOptions,
  { connect }: Pick<ShardContext, "connect">,
  { isInUse, step }: Pick<Machine, "isInUse" | "step">,
  { debug }: Pick<ShardReport, "debug">,
  receive: ReturnType<typeof createReceiver>,
) {
  let connection: PayloadSocket | undefined;
  /** The end of the socket before. */
  let closing: Promise<void> | undefined;

  function openNow({ socket, url: address, intent }: Open): void {
    const emit = (event: SocketEvent) => step({ socket, ...event });
    const onClosed = (close: SocketClose) => {
      connection = undefined;
      emit({ kind: "closed", ...close });
    };
    try {
      const url = gatewayUrl(address, compress);
      debug("Connecting: name look-up, TCP, TLS, upgrade", {
        host: url.host,
        intent,
        ...(proxy !== undefined && { proxy: new URL(proxy).host }),
      });
      connection = connect({
        url,
        compress,
        tcpKeepaliveSec,
        connectTimeoutMs: deadlines.connectMs,
        userAgent,
        proxy,
      }, {
        onOpen: () => {
          debug("Connected, waiting for HELLO", {});
          emit({ kind: "opened" });
        },
        onText: (text) => receive(text, socket),
        onGarbled: (reason) => emit({ kind: "garbled", reason }),
        onClose: onClosed,
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      onClosed({ reason: error.message }); // the token must not be sent to this URL
    }
  }

  return {
    /** Opens a socket, once the one before is closed. */
    open(effect: Open): void {
      if (!closing) return openNow(effect);
      void closing.then(() => {
        if (isInUse(effect.socket)) openNow(effect);
      });
    },
    /** Sends a payload. Does nothing without an open socket. */
    send: (op: number, d: unknown): void => connection?.send(JSON.stringify({ op, d })),
    setPaused: (isPaused: boolean): void => connection?.setPaused(isPaused),
    /** Sends the close frame, and reads until Discord has closed, too. */
    beginClose: (): void => connection?.beginClose(KEEP_SESSION_CODE),
    /** Closes the socket; no event of it follows. */
    drop(): void {
      if (connection) {
        closing = connection.close(KEEP_SESSION_CODE).then(() => void (closing = undefined));
      }
      connection = undefined;
    },
    /** Resolves once no socket is closing. */
    closed: async (): Promise<void> => await closing,
  };
}

export type ShardSocket = ReturnType<typeof createShardSocket>;
