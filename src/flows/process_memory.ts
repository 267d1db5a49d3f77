/**
 * Returns memory to the system: after a start, a flood of messages, turns, a page of the dashboard, or
 * a step of a call.
 *
 * They leave pages of code that the bot seldom runs. They also leave garbage, which the runtime
 * collects only when the heap has doubled. So this flow looks at the size of the process while the bot
 * works, and collects once it has grown. Without work, it sets no timer.
 */

import type { Timers } from "../lib/clock.ts";

/** Growth of the process that is worth a collection, which takes 20 to 30 ms of CPU time. */
const GROWN_BYTES = 4 << 20;
/**
 * Milliseconds between two collections of a bot that is never quiet: each stops all of its work, and
 * throws code away, which is compiled anew.
 */
const BUSY_MS = 30_000;
/** Milliseconds without work after which the bot is quiet, and between two looks. */
const QUIET_MS = 3_000;
/**
 * Milliseconds until pages are given back again. The runtime sweeps after a collection and compiles
 * after a turn, for some seconds, and needs pages for that. This takes 5 to 10 MiB more off.
 */
const AGAIN_MS = 5_000;

/** Starts watching; the start itself is the first work. */
export function createProcessMemory(
  { schedule, now, rss, collect, release }: Timers & {
    /** Bytes of the process in memory. */
    readonly rss: () => number;
    readonly collect: () => void;
    /** Gives pages back to the system, which takes 2 ms of CPU time. */
    readonly release: () => void;
  },
) {
  let workedAt = now();
  let returnedAt = now();
  /** Size of the process after memory was last returned. */
  let restBytes = 0;
  /** Whether that size has work of then in it: at rest, it is less. */
  let isSpoilt = false;
  let cancel: (() => void) | undefined;
  let isStopped = false;

  function wait(ms: number, run: () => void): void {
    cancel = schedule(() => {
      cancel = undefined;
      run();
    }, ms);
  }

  function look(): void {
    const isQuiet = now() < workedAt || now() - workedAt >= QUIET_MS; // the system may set its clock
    const grownBytes = rss() - restBytes;
    const isWorth = isQuiet
      ? isSpoilt || grownBytes >= GROWN_BYTES
      : grownBytes >= GROWN_BYTES && Math.abs(now() - returnedAt) >= BUSY_MS;
    if (!isWorth) return isQuiet ? undefined : lookLater();
    returnedAt = now();
    release();
    collect();
    wait(AGAIN_MS, () => {
      release();
      restBytes = rss();
      isSpoilt = workedAt > returnedAt;
      if (isSpoilt) lookLater();
    });
  }

  const lookLater = () => wait(QUIET_MS, look);
  lookLater();

  return {
    /** Tells that the bot has read messages, answered one, or loaded code. */
    worked(): void {
      workedAt = now();
      if (!cancel && !isStopped) lookLater();
    },
    /** Cancels the timer, and sets none any more. */
    stop(): void {
      isStopped = true;
      cancel?.();
      cancel = undefined;
    },
  };
}

/** Watches the work of all accounts. */
export type ProcessMemory = ReturnType<typeof createProcessMemory>;
