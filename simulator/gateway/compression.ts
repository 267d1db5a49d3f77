/**
 * Encodes gateway payloads for the wire: as text, or as parts of one compressed stream.
 *
 * Discord keeps one compression context per connection and flushes it after each payload. Both
 * runtimes compress in the background. So payloads wait for each other here, and so does a close
 * frame that must follow them.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#transport-compression}
 */

import { Buffer } from "node:buffer";
import { constants, createDeflate, createZstdCompress } from "node:zlib";

type Compression = "none" | "zlib-stream" | "zstd-stream";

/** Reads the query's `compress`; `undefined` for a name that Discord does not know. */
export function parseCompression(text: string | null): Compression | undefined {
  if (text === null || text === "") return "none";
  return text === "zlib-stream" || text === "zstd-stream" ? text : undefined;
}

/** Sends payloads in order. */
export interface Encoder {
  write(text: string): void;
  /** Runs `action` once everything before it is sent. */
  after(action: () => void): void;
  stop(): void;
}

/** @param emit Takes the text, or the bytes of one payload. */
export function createEncoder(
  compression: Compression,
  emit: (data: string | Uint8Array) => void,
): Encoder {
  if (compression === "none") return { write: emit, after: (action) => action(), stop: () => {} };

  const stream = compression === "zlib-stream" ? createDeflate() : createZstdCompress();
  const flush = compression === "zlib-stream" ? constants.Z_SYNC_FLUSH : constants.ZSTD_e_flush;
  const queue: (string | (() => void))[] = [];
  let bytes: Buffer[] = [];
  let isBusy = false;
  let isStopped = false;
  stream.on("data", (chunk: Buffer) => bytes.push(chunk));

  const work = () => {
    if (isBusy || isStopped) return;
    const next = queue.shift();
    if (next === undefined) return;
    if (typeof next === "function") {
      next();
      return work();
    }
    isBusy = true;
    stream.write(next);
    stream.flush(flush, () => {
      isBusy = false;
      if (isStopped) return;
      emit(Buffer.concat(bytes));
      bytes = [];
      work();
    });
  };
  const push = (item: string | (() => void)) => {
    queue.push(item);
    work();
  };
  return {
    write: push,
    after: push,
    stop() {
      isStopped = true;
      stream.destroy();
    },
  };
}
