/**
 * Returns memory to the system once the bot is quiet: after a start, a flood of messages, or many
 * turns.
 *
 * They leave garbage that has grown old, and the runtime collects that only when the heap has
 * doubled. They also leave pages of code that the bot seldom runs. Without such events, this flow
 * does nothing and sets no timer.
 *
 * @module
 */

import type { Schedule } from "../lib/schedule.ts";

/**
 * UTF-16 units of some 9,000 messages, each of which leaves up to 8 kB of garbage. Collecting this
 * often takes 25 MiB off a flood's peak and costs 1 to 2 µs a message.
 */
const FLOOD = 8 << 20;
/** Units that are worth a collection, which takes 20 to 30 ms of CPU time, now and then. */
const SOME = 512 << 10;
/** Milliseconds between two returns of memory, unless there was a flood. */
const LONG_MS = 10 * 60_000;
/** Milliseconds without an event after which the bot is quiet. */
const QUIET_MS = 3_000;
/** Milliseconds after which a bot that is never quiet returns memory all the same. */
const PATIENCE_MS = 60_000;
/**
 * What a turn and a step of it count: 350 turns without tools, or 75 with ten calls, leave 10 to 20
 * MiB.
 */
const TURN = 24 << 10;
const STEP = 4 << 10;

/** Watches the work of all accounts. */
export interface ProcessMemory {
  /** Tells that Barnacle has read dispatches, of this size in UTF-16 units. */
  read(units: number): void;
  /** Tells that a turn with so many tool steps has ended. */
  turn(steps: number): void;
  /** Cancels the timer, and sets none any more. */
  stop(): void;
}

/** The dependencies of {@link createProcessMemory}. */
export interface ProcessMemoryPorts {
  /** Runs the return of memory later. */
  readonly schedule: Schedule;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Collects garbage, at once. */
  readonly collect: () => void;
  /** Gives pages back to the system. */
  readonly release: () => void;
}

/** Starts watching; the start itself is the first event. */
export function createProcessMemory(
  { schedule, now, collect, release }: ProcessMemoryPorts,
): ProcessMemory {
  /** Units since the last collection during a flood. */
  let uncollected = 0;
  /** Units since memory was last returned. */
  let units = 0;
  let hadTurn = false;
  let heardAt = now();
  let returnedAt = -Infinity;
  let cancel: (() => void) | undefined;
  /** The return after the start does not delay the next one. */
  let isStart = true;
  let isStopped = false;

  function note(added: number, isTurn: boolean): void {
    units += added;
    heardAt = now();
    if (cancel || isStopped) return;
    const isLong = heardAt - returnedAt >= LONG_MS;
    const isDue = units >= FLOOD || (isLong && (isTurn || units >= SOME));
    if (isDue) wait(Math.max(heardAt + PATIENCE_MS, returnedAt + LONG_MS));
  }

  /** Waits until the bot is quiet, or until `latestAt`. */
  function wait(latestAt: number): void {
    cancel = schedule(() => {
      cancel = undefined;
      const isQuiet = now() >= heardAt + QUIET_MS;
      if (!isQuiet && now() < latestAt) return wait(latestAt);
      if (!isStart) returnedAt = now();
      isStart = false;
      if (units >= SOME) collect();
      uncollected = units = 0;
      release();
    }, Math.min(QUIET_MS, Math.max(0, heardAt + QUIET_MS - now()))); // the system may set its clock
  }

  wait(heardAt + PATIENCE_MS);

  return {
    read(count) {
      uncollected += count;
      if (uncollected >= FLOOD) {
        uncollected = 0;
        collect();
      }
      note(count, false);
    },
    turn(steps) {
      // The first turn loads and compiles much code.
      note(hadTurn ? TURN + steps * STEP : SOME, true);
      hadTurn = true;
    },
    stop() {
      isStopped = true;
      cancel?.();
      cancel = undefined;
    },
  };
}
