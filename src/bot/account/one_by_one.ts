/**
 * Runs the tasks of one key one after the other; those of different keys run side by side.
 *
 * @module
 */

export interface OneByOne<Key> {
  /** Runs a task when all tasks of its key before it are over; never rejects. */
  run(key: Key, task: () => Promise<void>): Promise<void>;
  /** Resolves when all tasks so far are over. */
  idle(): Promise<void>;
}

/** @param onError Hears of each task that fails; the next one runs all the same. */
export function createOneByOne<Key>(
  onError: (key: Key, error: unknown) => void,
): OneByOne<Key> {
  const last = new Map<Key, Promise<void>>();
  return {
    run(key, task) {
      const result = (last.get(key) ?? Promise.resolve()).then(task)
        .catch((error: unknown) => onError(key, error));
      last.set(key, result);
      return result;
    },
    async idle() {
      await Promise.all(last.values());
    },
  };
}
