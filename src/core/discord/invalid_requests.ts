/**
 * Counts the requests that Discord holds against the bot's IP address.
 *
 * Discord bans an address for 10,000 of them in ten minutes. Barnacle counts them by the minute and
 * stores the minutes. Otherwise a bot that restarts after each failure would count from zero each
 * time.
 *
 * @see {@link
 * https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans}
 */

/** Milliseconds for which Discord counts an invalid request. */
export const INVALID_WINDOW_MS = 10 * 60 * 1_000;

const MINUTE_MS = 60_000;

/**
 * Creates a count that starts with the requests of earlier runs.
 *
 * @param stored Minutes since 1970, and the number of requests in each.
 * @param onNote Gets the minute (since 1970) of each new request, to store it.
 */
export function createInvalidRequests(
  stored: readonly { readonly minute: number; readonly count: number }[],
  onNote: (minute: number) => void,
) {
  const byMinute = new Map<number, number>();
  for (const { minute, count } of stored) byMinute.set(minute, (byMinute.get(minute) ?? 0) + count);

  return {
    /**
     * Requests of the last ten minutes, plus up to a minute's more, because only minutes are kept.
     *
     * @param now Unix time in milliseconds. A future time gives the requests that will still count
     * then.
     */
    count(now: number): number {
      let sum = 0;
      const [from, to] = [minuteOf(now - INVALID_WINDOW_MS), minuteOf(now)];
      // A wrong clock counted the minutes that lie in the future.
      for (const [minute, count] of byMinute) if (minute >= from && minute <= to) sum += count;
      return sum;
    },
    note(now: number): void {
      const minute = minuteOf(now);
      const oldest = minuteOf(now - INVALID_WINDOW_MS);
      for (const other of byMinute.keys()) if (other < oldest) byMinute.delete(other);
      byMinute.set(minute, (byMinute.get(minute) ?? 0) + 1);
      onNote(minute);
    },
  };
}

export type InvalidRequests = ReturnType<typeof createInvalidRequests>;

/** The minute since 1970 of a Unix time in milliseconds. */
function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}
