/** Reads the beginning of a time that a person writes: a duration back from now, a day or a date. */

import { DAY_MS } from "../clock.ts";
import { timeText } from "./units.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** A date, with or without a time, in UTC unless it names a zone. */
const DATE =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?( ?UTC|Z|[+-]\d\d:?\d\d)?$/i;

/**
 * Reads the beginning of a time: `"30m"`, `"2h"`, `"7d"`, `"today"`, `"yesterday"`, or a date with or without time.
 *
 * @throws {RangeError} If the text is none of these, or a time to come.
 */
export function toSince(text: string, now: number): number {
  const since = sinceOf(text.trim(), now);
  if (since === undefined || Number.isNaN(since)) {
    throw new RangeError(
      `"${text}" is no time; write 30m, 2h, 7d, today, yesterday, 2026-01-31 or "2026-01-31 12:30" (UTC)`,
    );
  }
  if (since > now) throw new RangeError(`${timeText(since)} is in the future`);
  return since;
}

/** As {@link toSince}; `undefined` or NaN for no time. It may be a time to come. */
export function sinceOf(text: string, now: number): number | undefined {
  const midnight = now - now % DAY_MS;
  if (text.toLowerCase() === "today") return midnight;
  if (text.toLowerCase() === "yesterday") return midnight - DAY_MS;
  if (/^(?:\d{1,6} ?[a-z]+ ?)+$/i.test(text)) {
    const parts = Array.from(
      text.matchAll(/(\d+) ?([a-z]+)/gi),
      ([, count, unit = ""]) => Number(count) * (UNIT_MS[unit.toLowerCase()] ?? NaN),
    );
    return now - parts.reduce((sum, ms) => sum + ms, 0);
  }
  const [, day, time = "00:00", zone = "Z"] = DATE.exec(text) ?? [];
  if (day === undefined) return undefined;
  return Date.parse(`${day}T${time}${/utc/i.test(zone) ? "Z" : zone}`);
}
