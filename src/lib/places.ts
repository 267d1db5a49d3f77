/** Gives out places for work that may not all run at the same time, in the order of the requests. */

/** A fixed number of places for work. */
export interface WorkPlaces {
  /**
   * Takes a place, once one is free.
   *
   * @returns Gives it back. Later calls do nothing.
   * @throws {unknown} The signal's reason, if it is aborted before.
   */
  take(signal: AbortSignal): Promise<() => void>;
}

/** Creates the places; all are free. */
export function createPlaces(most: number): WorkPlaces {
  /** Each hands over the place of another. */
  const waiting = new Set<() => void>();
  let taken = 0;

  async function wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      // One that has just got a place keeps it. One that has gone must not get one: it would be lost.
      if (waiting.delete(resolve)) reject(signal.reason);
    };
    waiting.add(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  function giveBack(): void {
    const [next] = waiting;
    if (!next) return void taken--;
    waiting.delete(next);
    next();
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (taken < most) taken++;
      else await wait(signal);
      let isMine = true;
      return () => {
        if (isMine) giveBack();
        isMine = false;
      };
    },
  };
}
