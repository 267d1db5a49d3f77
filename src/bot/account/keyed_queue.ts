/**
 * Runs tasks with the same key one after the other, and tasks with different keys in parallel.
 *
 * @module
 */

/** Runs tasks, one at a time for each key. */
export interface KeyedQueue<Key> {
  /** Runs a task after all earlier tasks of its key; never rejects. */
  run(key: Key, task: () => Promise<void>): Promise<void>;
  /** Resolves when all tasks so far have finished. */
  idle(): Promise<void>;
}

/**
 * Creates a runner.
 *
 * @param onError Called with each task that fails; the next one runs nevertheless.
 */
export function createKeyedQueue<Key>(
  onError: (key: Key, error: unknown) => void,
): KeyedQueue<Key> {
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
