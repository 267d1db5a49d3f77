/**
 * Runs tasks one after another, until each has succeeded.
 *
 * A failed task goes to the end of the queue, after a delay that grows while nothing succeeds. Most
 * failures here are the network's, and then every task fails. If Discord refuses the bot token, the
 * account ends, so the queue ends too, without a warning of its own.
 */

import { backoffMs } from "../lib/network/backoff.ts";
import type { StartTimer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";

/** A task that does no harm if it runs again after a failure. */
export type RetriedTask = () => Promise<void>;

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/**
 * Creates an empty queue.
 *
 * @param what Begins each warning: `"Cannot catch up on missed messages"`.
 */
export function createRetryQueue(
  what: string,
  { schedule, random, log }: {
    readonly schedule: StartTimer;
    readonly random: () => number;
    readonly log: Log;
  },
) {
  const soon: RetriedTask[] = [];
  const last: RetriedTask[] = [];
  let failures = 0;
  let running: Promise<void> | undefined;
  let isStopped = false;
  /** Ends the wait after a failure. */
  let wake: (() => void) | undefined;

  function start(): void {
    running ??= Promise.resolve().then(runAll).finally(() => {
      running = undefined;
      if (!isStopped && soon.length + last.length > 0) start(); // added after the last check
    });
  }

  async function runAll(): Promise<void> {
    while (!isStopped) {
      const line = soon.length > 0 ? soon : last;
      const task = line.shift();
      if (!task) return;
      try {
        await task();
        failures = 0;
      } catch (error) {
        line.push(task);
        if (isTokenRefused(error)) isStopped = true;
        if (!isStopped) await waitAfter(error);
      }
    }
  }

  async function waitAfter(error: unknown): Promise<void> {
    failures++;
    const waitMs = backoffMs(failures, random(), WAIT);
    // The same failure again and again must not fill the log. An answer of Discord needs no stack.
    if (failures === 1 && !isOfRequest(error)) {
      log.warn(`${what}; will try again`, { waitMs, error });
    } else if (Number.isInteger(Math.log2(failures))) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn(`${what}; will try again`, { waitMs, failures, reason });
    }
    await new Promise<void>((resolve) => {
      const cancel = schedule(resolve, waitMs);
      wake = () => {
        cancel();
        resolve();
      };
    });
    wake = undefined;
  }

  return {
    /**
     * Adds a task.
     *
     * @param isLast Whether it waits until the queue has no other task.
     */
    add(task: RetriedTask, isLast: boolean = false): void {
      if (isStopped) return;
      (isLast ? last : soon).push(task);
      start();
    },
    /** Adds a task in front of all others. It does not wait for the delay after a failure. */
    addFirst(task: RetriedTask): void {
      if (isStopped) return;
      soon.unshift(task);
      wake?.();
      start();
    },
    /** Starts no further task, and resolves once the running one has ended. */
    async stop(): Promise<void> {
      isStopped = true;
      wake?.();
      await running;
    },
  };
}

/** Whether a request to Discord failed, which names its route: its message says all. */
function isOfRequest(error: unknown): boolean {
  return error instanceof Error && "route" in error;
}

/** Whether Discord refused the bot token: the kind of every request's error from then on. */
function isTokenRefused(error: unknown): boolean {
  return error instanceof Error && "kind" in error && error.kind === "unauthorized";
}
