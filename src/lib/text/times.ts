/** Reads durations that a person writes. */

import { DAY_MS } from "../clock.ts";

const DURATION = /^(?:in\s+)?((?:\d+(?:\.\d+)?\s*[a-z]+(?:\s*,\s*|\s+and\s+|\s*))+)$/i;
const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/gi;
const ISO_DURATION = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i;

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:s|secs?|seconds?)$/i, 1_000],
  [/^(?:m|mins?|minutes?)$/i, 60_000],
  [/^(?:h|hrs?|hours?)$/i, 3_600_000],
  [/^(?:d|days?)$/i, DAY_MS],
  [/^(?:w|weeks?)$/i, 7 * DAY_MS],
];

/** Milliseconds of a duration; `undefined` if it is none. */
export function durationOf(text: string): number | undefined {
  const iso = ISO_DURATION.exec(text);
  if (iso && iso.slice(1).some((part) => part !== undefined)) {
    const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = iso.slice(1)
      .map((part) => Number(part ?? 0));
    return (weeks * 7 + days) * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  }
  const [, parts] = DURATION.exec(text) ?? [];
  if (parts === undefined) return undefined;
  let ms = 0;
  for (const [, amount = "", unit = ""] of parts.matchAll(PART)) {
    const unitMs = UNITS.find(([name]) => name.test(unit))?.[1];
    if (unitMs === undefined) return undefined;
    ms += Number(amount) * unitMs;
  }
  return Math.round(ms);
}
