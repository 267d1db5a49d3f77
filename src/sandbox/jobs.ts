/**
 * Runs jobs on untrusted data, a few at a time, so that they cannot fill the memory together.
 *
 * @module
 */

import { type JobEnd, runInThread } from "./run_in_thread.ts";

/** Runs jobs. */
export interface Jobs {
  /**
   * Runs a job in a thread of its own.
   *
   * @param timeoutMs Milliseconds from the thread's start.
   * @throws {unknown} The signal's reason, once it is aborted.
   */
  inThread(job: unknown, timeoutMs: number, signal: AbortSignal): Promise<JobEnd>;
}

/** Maximum number of jobs at the same time. */
const MAX_JOBS = 2;

/** Creates the runner. @param url Entry of the threads. */
export function createJobs(url: URL): Jobs {
  const limit = createLimit(MAX_JOBS);
  return {
    inThread: (job, timeoutMs, signal) =>
      limit(signal, () => runInThread(url, job, { timeoutMs, signal })),
  };
}

/** Runs functions, at most `most` at a time, in the order of the calls. */
function createLimit(most: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <Result>(signal: AbortSignal, run: () => Promise<Result>): Promise<Result> => {
    while (running >= most) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      signal.throwIfAborted();
    }
    running++;
    try {
      return await run();
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}
