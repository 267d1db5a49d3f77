/**
 * Returns memory after a flood of messages, or after many turns.
 *
 * Both leave garbage that has grown old, and the runtime collects that only when the heap has
 * doubled. So this flow has it collected after a certain number of bytes, and once more when the
 * flood has ended. Without a flood it does nothing and sets no timer. After 2,000 answers, it takes
 * 30 MiB off the process.
 *
 * @module
 */

import type { Schedule } from "../../lib/schedule.ts";

/**
 * UTF-16 units of some 9,000 messages, each of which leaves up to 8 kB of garbage. Collecting this
 * often takes 25 MiB off a flood's peak and costs 1 to 2 µs a message.
 */
const FLOOD_BYTES = 8 << 20;
/** Milliseconds without a message after which a flood has ended. */
const QUIET_MS = 3_000;

/** Watches the size of incoming dispatches. */
export interface FloodMemory {
  /** Tells that Barnacle has read dispatches, of this size in UTF-16 units. */
  read(bytes: number): void;
  /** Cancels the timer, and sets none any more. */
  stop(): void;
}

/**
 * Starts watching.
 *
 * @param collect Collects garbage, at once.
 * @param isPatient Whether to collect only once the flood has ended: collecting during a burst of
 * turns took a fifth of their CPU time.
 */
export function createFloodMemory(
  schedule: Schedule,
  collect: () => void,
  isPatient = false,
): FloodMemory {
  let bytes = 0;
  let wasHeard = false;
  let cancel: (() => void) | undefined;

  /** Waits until no message has come for a while. */
  function wait(): void {
    wasHeard = false;
    cancel = schedule(() => {
      cancel = undefined;
      if (wasHeard) return wait();
      bytes = 0;
      collect();
    }, QUIET_MS);
  }

  return {
    read(count) {
      wasHeard = true;
      bytes += count;
      if (bytes < FLOOD_BYTES) return;
      bytes = 0;
      if (!isPatient) collect();
      if (!cancel) wait();
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}
