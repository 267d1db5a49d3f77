/** Gives out places for work that may not all run at the same time, in the order of the requests. */

/**
 * Creates the places; all are free.
 *
 * @param onTurnover Called each time that so many places have been given back.
 */
export function createPlaces(most: number, onTurnover = () => {}) {
  /** Each begins a work, which takes so many places. */
  const waiting = new Map<() => void, readonly [count: number, of?: string]>();
  const busy = new Set<string | undefined>();
  let taken = 0;
  let givenBack = 0;

  function handOver(): void {
    for (const [next, [count, of]] of waiting) {
      if (taken > 0 && taken + count > most) return;
      if (busy.has(of)) continue;
      waiting.delete(next);
      if (of !== undefined) busy.add(of);
      taken += count;
      next();
    }
  }

  return {
    /**
     * Takes places, once so many are free; more than there are, once all are.
     *
     * @param of Who takes them: of the same one's works, one has places at a time. Absent: no one.
     * @returns Gives them back. Later calls do nothing.
     * @throws {unknown} The signal's reason, if it is aborted before.
     */
    async take(signal: AbortSignal, count: number = 1, of?: string): Promise<() => void> {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = () => {
        // One that has just got a place keeps it. One that has gone must not get one: it would be lost.
        if (waiting.delete(resolve)) reject(signal.reason);
        handOver();
      };
      waiting.set(resolve, [count, of]);
      signal.addEventListener("abort", onAbort, { once: true });
      handOver();
      await promise.finally(() => signal.removeEventListener("abort", onAbort));
      let isMine = true;
      return () => {
        if (!isMine) return;
        isMine = false;
        givenBack += count;
        if (givenBack >= most) onTurnover();
        givenBack %= most;
        taken -= count;
        busy.delete(of);
        handOver();
      };
    },
  };
}

/** A fixed number of places for work. */
export type WorkPlaces = ReturnType<typeof createPlaces>;
