/** Writes durations, sizes and times for people, and reads durations that they write. */

import { DAY_MS } from "../clock.ts";

const DURATION = /^(?:in\s+)?((?:\d+(?:\.\d+)?\s*[a-z]+(?:\s*,)?\s*(?:and\s+)?)+)$/i;
const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/gi;
const ISO_DURATION = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i;

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:ms|milliseconds?)$/i, 1],
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

/** `"40 s"`, `"12 min"`, `"3 h 2 min"`, `"5 d 1 h"`; rounded down, and a negative one is `"0 s"`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `"1 person"`, `"2 people"`. @param several Absent: the word with an `s`. */
export function countText(count: number, one: string, several: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** Decimal units; each begins where one decimal of the unit before would round to 1,000. */
const SIZES = [[1e3, "kB"], [1e6, "MB"], [1e9, "GB"]] as const;

/** A size for people: `"12.3 MB"`. All texts have it from here, so they agree. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return countText(Math.round(bytes), "byte");
  const [unit, name] = SIZES.find(([unit]) => bytes < unit * 999.95) ?? [1e9, "GB"];
  return `${(bytes / unit).toFixed(1).replace(/\.0$/, "")} ${name}`;
}

/**
 * A time as text: `"2026-11-20 17:12:03 UTC"`.
 *
 * @param ms Unix time in milliseconds.
 */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

/**
 * A time that Discord shows in each reader's own zone and language.
 *
 * @param ms Unix time in milliseconds.
 * @param style `R`: `"in 5 minutes"`; `t`: `"16:20"`; `T`: `"16:20:05"`; `f`: `"20 November 2026 16:20"`.
 */
export function readerTime(ms: number, style: "R" | "t" | "T" | "f"): string {
  return `<t:${Math.floor(ms / 1_000)}:${style}>`;
}

/**
 * Since when, and by whom, a bot is paused: `"since 2026-11-20 17:12:03 UTC, by user 123"`.
 *
 * @param by `"cli"`, or the id of a user.
 */
export function pauseText({ by, since }: { readonly by: string; readonly since: number }): string {
  return `since ${timeText(since)}, by ${by === "cli" ? "the command line" : `user ${by}`}`;
}

/** `"3 ms"`, `"1.5 s"`, `"2 min"`. */
export function spanText(ms: number): string {
  const rounded = ms >= 10 ? Math.round(ms) : Math.round(ms * 10) / 10;
  if (ms < 1_000) return `${rounded} ms`;
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : durationText(ms);
}
