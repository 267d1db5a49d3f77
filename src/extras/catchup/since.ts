/** Reads since when a person was away (T17). */

import { nextRun } from "../../flows/schedules/when.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { durationOf } from "../../lib/text/times.ts";
import { localTime } from "../../render/prompt/envelope.ts";

const DATE =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?)?( ?UTC|Z|[+-]\d\d:?\d\d)?$/i;

/**
 * Reads the beginning of a time: `"30m"`, `"2h"`, `"7d"`, `"today"`, `"yesterday"`, or a date with or
 * without time, which is local unless it names a zone. It may be a time to come.
 *
 * @param now Unix time in milliseconds, as the result is; NaN if it is no time.
 * @param timezone IANA time zone.
 */
export async function sinceOf(text: string, now: number, timezone: string): Promise<number> {
  const durationMs = durationOf(text);
  if (durationMs !== undefined) return now - durationMs;
  const midnight = (day = "") => local(day, "00:00", timezone);
  const dayAt = (at: number) => localTime(at, timezone).split(" ")[1];
  const today = await midnight(dayAt(now));
  if (text.toLowerCase() === "today") return today;
  if (text.toLowerCase() === "yesterday") return await midnight(dayAt(today - DAY_MS / 2));
  const [, day, time = "00:00", zone] = DATE.exec(text) ?? [];
  if (day === undefined) return NaN;
  if (zone === undefined) return await local(day, time, timezone);
  return Date.parse(`${day}T${time}${/utc/i.test(zone) ? "Z" : zone}`);
}

async function local(day: string, time: string, timezone: string): Promise<number> {
  const seconds = time.length === 5 ? ":00" : "";
  return await nextRun(`${day}T${time}${seconds}`, { now: 0, timezone }) ?? NaN;
}
