/** Runs tasks with the same key one after the other, and tasks with different keys in parallel. */

export function createKeyedQueue<Key>(): {
  /** Runs a task after all earlier tasks of its key. A task that fails delays no other. */
  run<Result>(key: Key, task: () => Promise<Result>): Promise<Result>;
  /** Resolves when all tasks so far have finished; never rejects. */
  idle(): Promise<void>;
} {
  const last = new Map<Key, Promise<unknown>>();
  return {
    async run(key, task) {
      const running = (last.get(key) ?? Promise.resolve()).then(task, task);
      last.set(key, running);
      try {
        return await running;
      } finally {
        if (last.get(key) === running) last.delete(key);
      }
    },
    async idle() {
      await Promise.allSettled(last.values());
    },
  };
}
