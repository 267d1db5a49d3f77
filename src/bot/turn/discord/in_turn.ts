/**
 * Runs the actions of a session one after the other, in the order of their calls.
 *
 * The model may call several actions in one answer, and their requests take different times.
 * Messages must not overtake each other.
 *
 * @module
 */

/** Runs a task after all earlier tasks of its session. A task that fails delays no other. */
export type InTurn = <Result>(sessionKey: string, task: () => Promise<Result>) => Promise<Result>;

/** Creates the order of one account. */
export function createInTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (sessionKey, task) => {
    const running = (last.get(sessionKey) ?? Promise.resolve()).then(task, task);
    last.set(sessionKey, running);
    try {
      return await running;
    } finally {
      if (last.get(sessionKey) === running) last.delete(sessionKey);
    }
  };
}
