/**
 * Returns memory to the system once the bot is quiet: after a start, a flood of messages, turns, a
 * page of the dashboard, or a step of a call.
 *
 * They leave pages of code that the bot seldom runs. They also leave garbage that has grown old, and
 * the runtime collects that only when the heap has doubled. Without such events, this flow does
 * nothing and sets no timer.
 */

import type { Account } from "../core/account/account.ts";

/**
 * UTF-16 units of some 6,700 messages, each of which leaves up to 8 kB of garbage. Collecting after 8
 * Mi units took 25 MiB off a flood's peak and cost 1 to 2 µs a message. After 6, it costs 0.2 to 0.5
 * more, and the highest peaks are lower. A repeated message leaves a tenth of that, and counts 70
 * units: a flood of 100,000 of them makes no collection, or one.
 */
const FLOOD = 6 << 20;
/** Units after which pages are given back, which takes 2 ms of CPU time. */
const SOME = 512 << 10;
/** Bytes that a turn counts, and each of its steps. */
const TURN = 24 << 10;
const STEP = 4 << 10;
/** Milliseconds after which a single turn is enough. */
const LONG_MS = 10 * 60_000;
/** Growth of the process that is worth a collection, which takes 20 to 30 ms of CPU time. */
const GROWN_BYTES = 8 << 20;
/** Milliseconds without an event after which the bot is quiet. */
const QUIET_MS = 3_000;
/** Milliseconds after which a bot that is never quiet returns memory all the same. */
const PATIENCE_MS = 10 * 60_000;
/**
 * Milliseconds until pages are given back again. The runtime sweeps after a collection and compiles
 * after a turn, for some seconds, and needs pages for that. This takes 5 to 10 MiB more off.
 */
const AGAIN_MS = 5_000;

/** Starts watching; the start itself is the first event. */
export function createProcessMemory(
  { schedule, now, rss, collect, release }: Pick<Account, "schedule" | "now"> & {
    /** Bytes of the process in memory. */
    readonly rss: () => number;
    readonly collect: () => void;
    /** Gives pages back to the system. */
    readonly release: () => void;
  },
) {
  /** Units since the last collection during a flood. */
  let uncollected = 0;
  /** Units since memory was last returned. */
  let units = 0;
  let hadTurn = false;
  let heardAt = now();
  let returnedAt = heardAt;
  /** Size of the process after memory was last returned. */
  let restBytes = Infinity;
  let cancel: (() => void) | undefined;
  let isStopped = false;

  function note(added: number, isDue: boolean): void {
    if (added > 0) heardAt = now();
    units += added;
    if ((isDue || units >= SOME) && !cancel && !isStopped) wait(now() + PATIENCE_MS);
  }

  /** Waits until the bot is quiet, or until `latestAt`. */
  function wait(latestAt: number): void {
    // At most, and at least: the system may set its clock.
    const leftMs = Math.max(0, Math.min(QUIET_MS, heardAt + QUIET_MS - now()));
    cancel = schedule(() => {
      if (now() < Math.min(heardAt + QUIET_MS, latestAt)) wait(latestAt);
      else returnMemory();
    }, leftMs);
  }

  function returnMemory(): void {
    release();
    if (rss() - restBytes >= GROWN_BYTES) collect();
    uncollected = units = 0;
    returnedAt = now();
    cancel = schedule(() => {
      cancel = undefined;
      release();
      restBytes = rss();
      note(0, false); // events may have come meanwhile
    }, AGAIN_MS);
  }

  wait(heardAt + PATIENCE_MS);

  return {
    /** Tells that Barnacle has read dispatches, of this size in UTF-16 units. */
    read(count: number): void {
      uncollected += count;
      if (uncollected >= FLOOD) {
        uncollected = 0;
        collect();
      }
      note(count, false);
    },
    /** Tells that a turn with so many tool steps has ended. */
    turn(steps: number): void {
      // A turn leaves so much garbage that the runtime collects by itself.
      uncollected = Math.max(0, uncollected - TURN);
      // The first turn loads and compiles much code.
      note(TURN + steps * STEP, !hadTurn || now() - returnedAt >= LONG_MS);
      hadTurn = true;
    },
    /** Tells that the bot has loaded and compiled code, for a page or in a call. */
    hasLoaded(): void {
      note(SOME, false);
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
