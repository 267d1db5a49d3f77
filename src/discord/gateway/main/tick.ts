/**
 * The counter by which main sees that the worker moves.
 *
 * It is shared memory: the worker writes the time into it, and main reads it without a message.
 *
 * @module
 */

export interface Tick {
  /** A 64-bit counter in which the worker puts Unix time in milliseconds. */
  readonly buffer: SharedArrayBuffer;
  /** Unix time in milliseconds at which the worker last moved. */
  at(): number;
  /** Another worker begins: how long the last one stood still does not count. */
  begin(): void;
  /** Whether the worker has not moved for so many looks in a row; each call is a look. */
  isStalled(): boolean;
}

/**
 * How often a worker may be found not to have moved. It moves every ten seconds at least (`TICK_MS`
 * of `shard/machine.ts`).
 */
const MAX_STANDSTILLS = 2;

/** @param now Unix time in milliseconds, from which on the worker counts as moving. */
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
