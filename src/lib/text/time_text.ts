/**
 * Writes points in time for people.
 *
 * @module
 */

/**
 * A time as text: `"2026-11-20 17:12:03 UTC"`.
 *
 * @param ms Unix time in milliseconds.
 */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

/**
 * Since when, and by whom, a bot is paused: `"since 2026-11-20 17:12:03 UTC, by user 123"`.
 *
 * @param by `"cli"`, or the id of a user.
 */
export function pauseText({ by, since }: { readonly by: string; readonly since: number }): string {
  return `since ${timeText(since)}, by ${by === "cli" ? "the command line" : `user ${by}`}`;
}
