/**
 * Decides whether a message begins a new transcript of its session (S4a).
 *
 * The decision uses stored times only, so a turn that a crash repeats decides the same.
 *
 * @module
 */

import type { ResetCause } from "../core/turn/checkpoint.ts";

/** `session.reset`. */
export type ResetRule = "off" | "daily" | { readonly idleMinutes: number };

/** The hour (in the agent's time zone) at which `daily` begins a new day: most people sleep then. */
const DAY_BEGINS_AT_HOUR = 4;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Decides whether a message begins a new transcript.
 *
 * @param lastAt Unix time in milliseconds of the session's last entry; `undefined` if it has none.
 * @param sentAt Unix time in milliseconds of the message. An older message than the last entry, as
 * catch-up finds, begins no transcript.
 * @param timezone IANA time zone of the agent, for `daily`.
 * @returns The cause; `undefined` if the transcript goes on.
 */
export function resetDue(
  rule: ResetRule,
  lastAt: number | undefined,
  sentAt: number,
  timezone: string,
): ResetCause | undefined {
  if (rule === "off" || lastAt === undefined || sentAt <= lastAt) return undefined;
  if (rule === "daily") {
    return dayOf(sentAt, timezone) === dayOf(lastAt, timezone) ? undefined : "daily";
  }
  return sentAt - lastAt >= rule.idleMinutes * MINUTE_MS ? "idle" : undefined;
}

/** Formatters by time zone, because creating one is slow. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** The day of a time, as its zone's formatter writes it. */
function dayOf(at: number, timeZone: string): string {
  const shifted = at - DAY_BEGINS_AT_HOUR * HOUR_MS;
  if (timeZone === "UTC") return new Date(shifted).toISOString().slice(0, "2026-02-03".length);
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
    formatters.set(timeZone, formatter);
  }
  return formatter.format(shifted);
}
