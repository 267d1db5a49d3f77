/**
 * Timers, as a port: a test moves time instead of waiting for it.
 *
 * @module
 */

/**
 * Runs something once, after so many milliseconds; no more than {@link MAX_TIMER_MS}.
 *
 * @returns Calls it off; harmless afterwards.
 */
export type Schedule = (run: () => void, ms: number) => () => void;

/** The real one. */
export const schedule: Schedule = (run, ms) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Milliseconds; a longer timer fires at once on every runtime. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
