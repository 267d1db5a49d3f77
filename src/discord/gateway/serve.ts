/**
 * The worker's end: messages in, one shard, messages out.
 *
 * An error that nobody expected ends the thread. The main thread notices and
 * starts another one from what is stored, which is safer than a shard in an
 * unknown state.
 *
 * @module
 */

import { createCounters } from "./counts.ts";
import { type FromWorker, isToWorker, PROTOCOL_VERSION } from "./protocol.ts";
import { type Shard, startShard } from "./shard.ts";

/** As much of `node:worker_threads`' `MessagePort` as is needed. */
export interface Port {
  postMessage(message: FromWorker): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/**
 * Serves until the thread is ended.
 *
 * @throws {TypeError} If the main thread says what nobody understands.
 */
export function serveGateway(port: Port): void {
  let shard: Shard | undefined;
  port.on("message", (message) => {
    if (!isToWorker(message)) throw new TypeError("The main thread sent an unknown message");
    switch (message.kind) {
      case "start": {
        if (message.version !== PROTOCOL_VERSION) {
          throw new TypeError(`The main thread speaks version ${message.version}`);
        }
        if (shard) throw new TypeError("The main thread started a shard twice");
        const tick = new BigInt64Array(message.tick);
        const onTick = () => void Atomics.store(tick, 0, BigInt(Date.now()));
        onTick();
        shard = startShard(message, {
          now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
          random: Math.random,
          after,
          post: (sent) => port.postMessage(sent),
          onTick,
          counters: createCounters(),
        });
        return;
      }
      case "committed":
        return shard?.committed(message);
      case "url":
        return shard?.setUrl(message.url);
      case "stop":
        if (!shard) return port.postMessage({ kind: "stopped" });
        shard.stop().catch((error: unknown) => {
          queueMicrotask(() => {
            throw error; // ends the thread, which is what was asked for
          });
        });
        return;
    }
  });
}

function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}
