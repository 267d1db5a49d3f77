/**
 * Holds the shard's one socket: opens it, writes to it, and closes it.
 *
 * There is no other socket until the close of the one before is over.
 *
 * @module
 */

import { createEmitter, type Emitter } from "../../../lib/emitter.ts";
import { DEADLINES, type Effect, type SocketEvent } from "../lifecycle/state.ts";
import type { CommonOptions } from "../link/protocol.ts";
import type { Connection, openConnection } from "../socket/connection.ts";
import type { SocketClose } from "../socket/socket.ts";
import { gatewayUrl } from "../socket/wire.ts";
import type { ShardReport } from "./report.ts";

type Open = Extract<Effect, { kind: "open" }>;

export interface ConnectorEvents {
  event(event: { readonly socket: number } & SocketEvent): void;
  /** @param socket Number of the socket that brought it. */
  text(text: string, socket: number): void;
}

export interface ConnectorPorts extends Pick<ShardReport, "debug"> {
  readonly connect: typeof openConnection;
  /** Whether a socket is still to be opened when the one before has closed. */
  isInUse(socket: number): boolean;
}

export interface Connector extends Pick<Emitter<ConnectorEvents>, "connect"> {
  open(effect: Open): void;
  send(op: number, d: unknown): void;
  setPaused(isPaused: boolean): void;
  /** Sends the close frame, and goes on reading until Discord has closed, too. */
  beginClose(): void;
  /** Closes the socket, of which nothing is heard any more. */
  drop(): void;
  /** Resolves when no socket is closing. */
  closed(): Promise<void>;
}

/** Any code but 1000 and 1001, with which Discord would end the session. */
const KEEP_SESSION_CODE = 3000;

export function createConnector(
  { compress, proxy, tcpKeepaliveSec, deadlines = DEADLINES }: CommonOptions,
  { connect, isInUse, debug }: ConnectorPorts,
): Connector {
  const emitter = createEmitter<ConnectorEvents>();
  let connection: Connection | undefined;
  /** The goodbye of the socket before. */
  let closing: Promise<void> | undefined;

  function openNow({ socket, url: address, intent }: Open): void {
    const emit = (event: SocketEvent) => emitter.emit.event({ socket, ...event });
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
        ...(proxy !== undefined && { proxy }),
      }, {
        onOpen: () => {
          debug("Connected, waiting for HELLO", {});
          emit({ kind: "opened" });
        },
        onText: (text) => emitter.emit.text(text, socket),
        onGarbled: (reason) => emit({ kind: "garbled", reason }),
        onClose: onClosed,
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      onClosed({ reason: error.message }); // an address that the token may not be sent to
    }
  }

  return {
    connect: emitter.connect,
    open(effect) {
      if (!closing) return openNow(effect);
      void closing.then(() => {
        if (isInUse(effect.socket)) openNow(effect);
      });
    },
    send: (op, d) => connection?.send(JSON.stringify({ op, d })),
    setPaused: (isPaused) => connection?.setPaused(isPaused),
    beginClose: () => connection?.beginClose(KEEP_SESSION_CODE),
    drop() {
      if (connection) {
        closing = connection.close(KEEP_SESSION_CODE).then(() => void (closing = undefined));
      }
      connection = undefined;
    },
    closed: async () => await closing,
  };
}
