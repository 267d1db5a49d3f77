/**
 * Shows the main thread that the worker still runs.
 *
 * The worker writes the time to shared memory, and the main thread reads it without a message.
 *
 * @module
 */

/** The shared counter, and the checks of it. */
export interface Tick {
  /** A 64-bit counter to which the worker writes Unix time in milliseconds. */
  readonly buffer: SharedArrayBuffer;
  /** Returns the Unix time in milliseconds of the worker's last tick. */
  at(): number;
  /** Records that a new worker starts, so that earlier checks do not count. */
  begin(): void;
  /** Checks the worker. Returns whether the counter stood still in several checks in a row. */
  isStalled(): boolean;
}

/**
 * Checks in a row without a tick, after which the worker counts as hanging. It ticks at least every
 * ten seconds (`TICK_MS` of `shard/machine.ts`).
 */
const MAX_STANDSTILLS = 2;

/**
 * Creates the counter.
 *
 * @param now Unix time in milliseconds, which counts as the first tick.
 */
export function createTick(now: number): Tick {
  const buffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const counter = new BigInt64Array(buffer);
  Atomics.store(counter, 0, BigInt(now));
  let standstills = 0;
  let last = -1n;

  return {
    buffer,
    at: () => Number(Atomics.load(counter, 0)),
    begin: () => void (standstills = 0),
    isStalled() {
      const seen = Atomics.load(counter, 0);
      standstills = seen === last ? standstills + 1 : 0;
      last = seen;
      return standstills >= MAX_STANDSTILLS;
    },
  };
}
