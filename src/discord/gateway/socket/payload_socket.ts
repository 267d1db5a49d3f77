/**
 * Opens one connection to the gateway and returns its payloads as text, in order.
 *
 * It joins the socket and the decompression. It pauses the socket while too much data waits for
 * decompression. It reports the socket's end only after all earlier data, because the last payload
 * may be an op 9.
 */

import type { ConnectionOptions } from "./socket.ts";
import { createInflater, openSocket, type SocketClose } from "./socket.ts";

/** The connection's calls to its owner. */
export interface PayloadSocketEvents {
  onOpen(): void;
  /** Takes one payload, decompressed. */
  onText(text: string): void;
  /** The received data cannot be decoded any more. The owner must still close the connection. */
  onGarbled(reason: string): void;
  /** The last call, made once; never after `close()`. */
  onClose(close: SocketClose): void;
}

/** Bytes that may wait for decompression before the socket is paused. */
const MAX_BACKLOG_BYTES = 256 << 10;

/**
 * Starts connecting.
 *
 * @throws {TypeError} If the token must not be sent to this URL.
 */
export function openPayloadSocket(options: ConnectionOptions, events: PayloadSocketEvents) {
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
