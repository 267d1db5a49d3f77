/**
 * Timers, as a port: a test moves time instead of waiting for it.
 *
 * @module
 */

/**
 * Runs a function once, after a delay in milliseconds of at most {@link MAX_TIMER_MS}.
 *
 * @returns A function that cancels the call. Calling it later, or twice, does nothing.
 */
export type Schedule = (run: () => void, ms: number) => () => void;

/** The runtime's own timer. */
export const schedule: Schedule = (run: () => void, ms: number): () => void => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Longest delay in milliseconds; every runtime fires a longer timer at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves after a delay in milliseconds, or once the signal aborts. */
export function waitFor(ms: number, schedule: Schedule, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = schedule(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
