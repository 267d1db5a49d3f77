/**
 * Work that waits: one piece of work, run each time that it is due, and queues of work by their
 * keys.
 *
 * One run at a time. Whatever wakes it meanwhile causes one more run, so nothing is overlooked, and
 * a flood of wakes costs two runs.
 */

import { MAX_TIMER_MS, type StartTimer } from "./clock.ts";

export function createKeyedQueue<Key>() {
  const last = new Map<Key, Promise<unknown>>();
  return {
    /** Runs a task after all earlier tasks of its key. A task that fails delays no other. */
    async run<Result>(key: Key, task: () => Promise<Result>): Promise<Result> {
      const running = (last.get(key) ?? Promise.resolve()).then(task, task);
      last.set(key, running);
      try {
        return await running;
      } finally {
        if (last.get(key) === running) last.delete(key);
      }
    },
    /** Resolves when all tasks so far have finished; never rejects. */
    async idle(): Promise<void> {
      await Promise.allSettled(last.values());
    },
  };
}

/**
 * Creates the waker.
 *
 * @param run Does the work. Resolves with the milliseconds until it is due again; `undefined`: only
 * when it is woken.
 * @param failed Hears of an error, and returns the milliseconds until the next try.
 */
export function createWaker(
  { run, failed, schedule }: {
    readonly run: () => Promise<number | undefined>;
    readonly failed: (error: unknown) => number;
    readonly schedule: StartTimer;
  },
) {
  let isStarted = false;
  let isStopped = false;
  let isDue = false;
  let running: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  async function runOnce(): Promise<number | undefined> {
    isDue = false;
    return await run();
  }

  function wake(): void {
    if (!isStarted || isStopped) return;
    isDue = true;
    running ??= runOnce().catch(failed).then((waitMs) => {
      running = undefined;
      if (isStopped) return;
      if (isDue) return wake();
      cancel?.();
      cancel = waitMs === undefined ? undefined : schedule(wake, Math.min(MAX_TIMER_MS, waitMs));
    });
  }

  return {
    /** Allows runs, and begins one, or does after some milliseconds. Later calls do nothing. */
    start(afterMs?: number): void {
      if (isStarted) return;
      isStarted = true;
      if (afterMs === undefined) wake();
      else cancel = schedule(wake, afterMs);
    },
    /** Runs now, or once more after the current run. Before `start`, it does nothing. */
    wake,
    /** Resolves once the current run has ended; `undefined` if none runs. */
    running: (): Promise<void> | undefined => running,
    isStopped: (): boolean => isStopped,
    /** Begins no further run, and resolves once the current one has ended. */
    async stop(): Promise<void> {
      isStopped = true;
      cancel?.();
      await running;
    },
  };
}
