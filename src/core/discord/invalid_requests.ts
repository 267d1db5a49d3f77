/**
 * Counts the requests that Discord holds against the bot's address.
 *
 * Discord bans an address for 10,000 of them in ten minutes. They are kept by
 * the minute, and the minutes in the store, because a bot that is started again
 * after each failure would else count from nothing each time.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans}
 */

/** How long Discord remembers one. */
export const INVALID_WINDOW_MS = 10 * 60 * 1_000;

const MINUTE_MS = 60_000;

export interface InvalidRequests {
  /**
   * Those of the last ten minutes, as counted by now; up to a minute's more, for only minutes are
   * kept.
   *
   * @param now Unix time in milliseconds; of a time to come: what will be left then.
   */
  count(now: number): number;
  /** @param now Unix time in milliseconds. */
  note(now: number): void;
}

/**
 * Begins with what earlier runs have counted.
 *
 * @param stored Minutes since 1970, and how many requests each had.
 * @param onNote Told of the minute of each one, for the store.
 */
export function createInvalidRequests(
  stored: readonly { readonly minute: number; readonly count: number }[],
  onNote: (minute: number) => void,
): InvalidRequests {
  const byMinute = new Map<number, number>();
  for (const { minute, count } of stored) byMinute.set(minute, (byMinute.get(minute) ?? 0) + count);

  return {
    count(now) {
      let sum = 0;
      const [from, to] = [minuteOf(now - INVALID_WINDOW_MS), minuteOf(now)];
      // What is of a time to come was noted by a clock that was wrong.
      for (const [minute, count] of byMinute) if (minute >= from && minute <= to) sum += count;
      return sum;
    },
    note(now) {
      const minute = minuteOf(now);
      const oldest = minuteOf(now - INVALID_WINDOW_MS);
      for (const other of byMinute.keys()) if (other < oldest) byMinute.delete(other);
      byMinute.set(minute, (byMinute.get(minute) ?? 0) + 1);
      onNote(minute);
    },
  };
}

/** The minute since 1970 that a moment, in Unix milliseconds, lies in. */
function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}
