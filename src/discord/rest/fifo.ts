/**
 * Runs tasks one by one within a key, in the order in which they came.
 *
 * A task that fails ends like any other: the next one begins. Keys know nothing
 * of each other, and one that is done is forgotten.
 *
 * @module
 */

export interface Fifo {
  /** Settles as the task does. */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
  /** Keys with a task that has not ended. */
  readonly size: number;
}

export function createFifo(): Fifo {
  /** The end of the last task of each key; never rejects. */
  const tails = new Map<string, Promise<void>>();

  return {
    async run(key, task) {
      const before = tails.get(key);
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      tails.set(key, ended);
      try {
        if (before) await before;
        return await task();
      } finally {
        if (tails.get(key) === ended) tails.delete(key);
        end();
      }
    },
    get size() {
      return tails.size;
    },
  };
}
