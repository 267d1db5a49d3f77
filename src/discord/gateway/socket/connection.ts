/**
 * One connection to the gateway, whose frames come out as text, in order.
 *
 * It joins the socket and the decompression: reading stops while too much
 * waits to be decompressed, and the end of the socket is told only after all
 * that came before it, since the last thing said may be an op 9.
 *
 * @module
 */

import { createInflater, type Inflater } from "./inflate.ts";
import { type GatewaySocket, openSocket, type SocketClose, type SocketOptions } from "./socket.ts";

export interface ConnectionOptions extends SocketOptions {
  readonly compress: boolean;
}

export interface ConnectionEvents {
  onOpen(): void;
  onText(text: string): void;
  /** What comes cannot be read any more; the connection is still to be closed. */
  onGarbled(reason: string): void;
  /** The last call, made once; never after `close()`. */
  onClose(close: SocketClose): void;
}

export interface Connection {
  send(text: string): void;
  /** Sends the close frame and goes on reading: `onClose` comes once the other end has closed. */
  beginClose(code: number): void;
  /** Resolves when the socket is gone, a second later at most. */
  close(code: number): Promise<void>;
  /** Whether whoever reads the texts has had enough for now. */
  setPaused(isPaused: boolean): void;
}

/** Bytes that may wait for decompression before the socket is not read. */
const MAX_BACKLOG_BYTES = 256 << 10;

/** @throws {TypeError} If the URL is not one that the token may be sent to. */
export function openConnection(options: ConnectionOptions, events: ConnectionEvents): Connection {
  let inflater: Inflater | undefined;
  let ended: SocketClose | undefined;
  let isReaderFull = false;
  let isPaused = false;

  if (options.compress) {
    inflater = createInflater("zlib-stream", {
      onText: events.onText,
      onIdle() {
        flow();
        if (ended) events.onClose(ended);
      },
      onError: () => events.onGarbled("the compressed stream is broken"),
    });
  }

  const socket: GatewaySocket = openSocket(options, {
    onOpen: events.onOpen,
    onFrame(data, isBinary) {
      if (!inflater || !isBinary) return events.onText(data.toString());
      inflater.push(data);
      flow();
    },
    onClose(close) {
      ended = close;
      if (!inflater || inflater.backlogBytes === 0) events.onClose(close);
    },
  });

  function flow(): void {
    const mustPause = isReaderFull || (inflater?.backlogBytes ?? 0) > MAX_BACKLOG_BYTES;
    if (mustPause === isPaused) return;
    isPaused = mustPause;
    if (isPaused) socket.pause();
    else socket.resume();
  }

  return {
    send: socket.send,
    beginClose: socket.beginClose,
    close(code) {
      inflater?.close();
      return socket.close(code);
    },
    setPaused(isFull) {
      isReaderFull = isFull;
      flow();
    },
  };
}
