/**
 * Defines the clock and the timer that parts get, so that a test moves time instead of waiting; and
 * finds the host's time zone.
 *
 * @module
 */

/** Tells the time. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Runs a function once, after a delay in milliseconds of at most {@link MAX_TIMER_MS}.
 *
 * @returns A function that cancels the call. Calling it later, or twice, does nothing.
 */
export type StartTimer = (run: () => void, ms: number) => () => void;

/** The runtime's own timer. */
export const schedule: StartTimer = (run: () => void, ms: number): () => void => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Longest delay in milliseconds; every runtime fires a longer timer at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves after a delay in milliseconds, or once the signal aborts. */
export function waitFor(ms: number, schedule: StartTimer, signal: AbortSignal): Promise<void> {
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

/** The time zone whose times need no `Intl`. */
export const UTC = "UTC";

/** How JavaScript's dates name UTC. */
const UTC_IN_WORDS = "(Coordinated Universal Time)";

/**
 * The host's IANA time zone: `"Europe/Vienna"`.
 *
 * The first use of `Intl.DateTimeFormat` takes 3 to 5 ms of CPU time, because it loads the tables of
 * all languages. Most servers run on UTC, and times in UTC need no tables.
 */
export function hostTimezone(): string {
  return String(new Date(0)).endsWith(UTC_IN_WORDS)
    ? UTC
    : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Resolves once the signal aborts, also if it has aborted already. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** 24 hours, in milliseconds. */
export const DAY_MS = 24 * 60 * 60 * 1_000;
