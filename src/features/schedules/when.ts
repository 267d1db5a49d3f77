/**
 * Reads the time of a schedule: a local time, a duration, or a cron pattern (T12, T8).
 *
 * `croner` knows the rules of time zones: a local time that a change of the clock skips becomes the
 * next one that exists, and of two equal ones the first counts.
 */

import { DAY_MS } from "../../lib/clock.ts";
import { durationOf } from "../../lib/text/units.ts";

export type When =
  /** Once, at Unix time in milliseconds. */
  | { readonly kind: "once"; readonly at: number }
  /** Again and again; `at` is the Unix time in milliseconds of the first run. */
  | { readonly kind: "cron"; readonly pattern: string; readonly at: number }
  /** It cannot be used; `why` tells the model how to write it. */
  | { readonly kind: "problem"; readonly why: string };

/** The moment and place that a time is relative to. */
interface LocalMoment {
  readonly now: number;
  /** `agents.defaults.timezone`, or the host's: `"Europe/Vienna"`. */
  readonly timezone: string;
}

/** Years ahead that a schedule may be. */
const MAX_YEARS = 5;

/** A date, perhaps with a time and a zone. */
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i;
const HOW = 'write a local time such as "2026-11-27T09:00", a duration such as "2h 30m", ' +
  'or (owners only) a cron pattern with five fields such as "0 9 * * 1"';

/** Reads a time. Loads `croner` unless it is a duration. */
export async function readWhen(text: string, clock: LocalMoment): Promise<When> {
  const written = text.trim();
  const durationMs = durationOf(written);
  if (durationMs !== undefined) return once(clock.now + durationMs, clock);
  const moment = written.includes(":") ? await momentOf(written, clock.timezone) : undefined;
  if (moment !== undefined) {
    return moment ? once(moment, clock) : problem(`"${text}" is no date and time`);
  }
  if (written.split(/\s+/).length !== 5) return problem(`"${text}" cannot be read: ${HOW}`);
  const at = await nextRun(written, clock);
  if (at === undefined) return problem(`the pattern "${text}" is no cron pattern, or never runs`);
  return { kind: "cron", pattern: written, at };
}

/**
 * Reads a date with or without a time, which is local unless it names a zone.
 *
 * @returns Unix time in milliseconds; NaN: there is no such day or time. `undefined`: it is no date.
 */
export async function momentOf(text: string, timezone: string): Promise<number | undefined> {
  const [, day, minute = "00:00", second = "00", zone] = MOMENT.exec(text) ?? [];
  if (day === undefined) return undefined;
  const midnight = Date.parse(`${day}T00:00Z`); // some engines read 31 April as 1 May
  if (!(midnight > 0) || !new Date(midnight).toISOString().startsWith(day)) return NaN;
  const local = `${day}T${minute}:${second}`;
  if (zone === undefined) return await nextRun(local, { now: 0, timezone }) ?? NaN;
  return Date.parse(
    local + zone.toUpperCase().replace("UTC", "Z").replace(/(\d{2})(\d{2})$/, "$1:$2"),
  );
}

/**
 * The next time at which a pattern is due.
 *
 * @param pattern A cron pattern with five fields, or a local time.
 * @returns Unix time in milliseconds; `undefined` if there is none, or if it is no pattern.
 */
export async function nextRun(
  pattern: string,
  { now, timezone }: LocalMoment,
): Promise<number | undefined> {
  const { Cron } = await import("croner");
  try {
    const mode = pattern.includes("T") && /^\d{4}-/.test(pattern)
      ? {}
      : { mode: "5-part" as const };
    return new Cron(pattern, { timezone, paused: true, ...mode }).nextRun(new Date(now))
      ?.getTime();
  } catch {
    return undefined; // croner throws errors of three kinds for an unreadable pattern
  }
}

function once(at: number, { now }: LocalMoment): When {
  if (at <= now) return problem("that time is in the past");
  if (at > now + MAX_YEARS * 366 * DAY_MS) {
    return problem(`that time is more than ${MAX_YEARS} years ahead`);
  }
  return { kind: "once", at };
}

function problem(why: string): When {
  return { kind: "problem", why };
}
