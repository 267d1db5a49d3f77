/**
 * The gateway's thread, made before there is anything to tell it.
 *
 * It takes about 9 ms to load and needs nothing of the main thread for that, so
 * a start need not wait for it. Nobody listens to it meanwhile, and it may die:
 * that is noted here, and whoever comes to take it makes one of his own.
 *
 * @module
 */

import type { Worker } from "node:worker_threads";

export interface EarlyThread {
  /** The thread, for the first who asks; `undefined` afterwards, and where it has ended. */
  take(): Worker | undefined;
  /** Ends the thread, unless it was taken. */
  close(): Promise<void>;
}

/** @param worker Just made: a death that nobody saw would not be noted. */
export function createEarlyThread(worker: Worker): EarlyThread {
  let waiting: Worker | undefined = worker;
  const onEnd = () => void (waiting = undefined);
  worker.on("error", onEnd); // without a listener it would end the process
  worker.on("exit", onEnd);
  return {
    take() {
      const taken = waiting;
      waiting = undefined;
      return taken;
    },
    async close() {
      const unused = waiting;
      waiting = undefined;
      await unused?.terminate();
    },
  };
}
