/**
 * Does one thing after another, until each is done.
 *
 * What fails is tried again after those that wait, and after a while that grows
 * while nothing succeeds: most failures here are the network's, and then
 * everything fails.
 *
 * @module
 */

import { backoffMs } from "../lib/network/backoff.ts";
import type { Log } from "../lib/log.ts";
import type { Schedule } from "../lib/schedule.ts";

/** Must be harmless when it is run again after it failed. */
export type RetriedTask = () => Promise<void>;

export interface RetryQueue {
  /** @param isLast Whether it waits until nothing else does. */
  add(errand: RetriedTask, isLast?: boolean): void;
  /** Adds one that goes before all others, and waits for no failure of theirs. */
  addFirst(errand: RetriedTask): void;
  /** Begins nothing more, and resolves once what runs has ended. */
  stop(): Promise<void>;
}

export interface RetryQueuePorts {
  readonly schedule: Schedule;
  readonly random: () => number;
  readonly log: Log;
}

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/** @param what For the log: `"Cannot catch up on what was missed"`. */
export function createRetryQueue(
  what: string,
  { schedule, random, log }: RetryQueuePorts,
): RetryQueue {
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
      if (!isStopped && soon.length + last.length > 0) start(); // came between the last look and here
    });
  }

  async function runAll(): Promise<void> {
    while (!isStopped) {
      const line = soon.length > 0 ? soon : last;
      const errand = line.shift();
      if (!errand) return;
      try {
        await errand();
        failures = 0;
      } catch (error) {
        line.push(errand);
        if (!isStopped) await waitAfter(error);
      }
    }
  }

  async function waitAfter(error: unknown): Promise<void> {
    const waitMs = backoffMs(++failures, random(), WAIT);
    log.warn(`${what}; will try again`, { waitMs, error });
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
    add(errand, isLast = false) {
      if (isStopped) return;
      (isLast ? last : soon).push(errand);
      start();
    },
    addFirst(errand) {
      if (isStopped) return;
      soon.unshift(errand);
      wake?.();
      start();
    },
    async stop() {
      isStopped = true;
      wake?.();
      await running;
    },
  };
}
