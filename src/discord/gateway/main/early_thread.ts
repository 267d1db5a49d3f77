/**
 * Loads the gateway's thread before the bot needs it.
 *
 * Loading takes about 9 ms and needs nothing of the main thread, so it can run during the start. If
 * the thread dies before the bot takes it, the bot creates another one.
 */

import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Bun's option for a small heap; other runtimes ignore it. The thread keeps little, and its garbage
 * is soon collected. A flood then takes 8 MiB less, for no CPU time that a bench could see.
 */
const SMALL_HEAP: WorkerOptions & { readonly smol: true } = { smol: true };

export function startThread(url: URL): Worker {
  return new Worker(url, SMALL_HEAP);
}

/**
 * Watches a thread until a caller takes it.
 *
 * @param worker A thread that was just created, so that its end cannot be missed.
 */
export function createEarlyThread(worker: Worker) {
  let waiting: Worker | undefined = worker;
  const onEnd = () => void (waiting = undefined);
  worker.on("error", onEnd); // without a listener the error would end the process
  worker.on("exit", onEnd);
  return {
    /** Returns the thread to the first caller; `undefined` to later ones, or if it has ended. */
    take(): Worker | undefined {
      const taken = waiting;
      waiting = undefined;
      return taken;
    },
    /** Ends the thread, unless a caller took it. */
    async close(): Promise<void> {
      const unused = waiting;
      waiting = undefined;
      await unused?.terminate();
    },
  };
}

export type EarlyThread = ReturnType<typeof createEarlyThread>;
