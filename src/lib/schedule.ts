/**
 * Runs something once, after so many milliseconds.
 *
 * A port, so that a test moves time instead of waiting for it.
 *
 * @returns Calls it off; harmless afterwards.
 */
export type Schedule = (run: () => void, ms: number) => () => void;

/** The real one. */
export const schedule: Schedule = (run, ms) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
