/** Chooses lines of a log: by level, part, account, time and text. */

import { timeText } from "../../lib/text/units.ts";
import type { Log } from "../../lib/log.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { RANKS } from "../../log.ts";
import { plainLine, type ReadLine } from "./lines.ts";

/** The lines to show; an absent rule chooses all. */
export interface LogFilter {
  /** The least important level. */
  readonly level?: keyof Log;
  /** Parts of the program. */
  readonly part?: readonly string[];
  /** The account that the line is about. */
  readonly account?: string;
  /** Text in the line; case makes no difference. */
  readonly grep?: string;
  /** Unix time in milliseconds. */
  readonly since?: number;
}

/** The account whose lines do not name it. */
const DEFAULT = "default";

/**
 * Makes the test of a filter. A line that Barnacle did not write may be the reason of a crash, so
 * it passes each level; and it has no part and no account.
 */
export function filterOf(
  { level, part, account, grep, since }: LogFilter,
): (line: ReadLine) => boolean {
  const text = grep?.toLowerCase();
  // Letters and digits of a shown line stand in the read one, too; so most lines are not laid out.
  const [longest = ""] = (text?.match(/[a-z0-9]+/g) ?? []).toSorted((a, b) => b.length - a.length);
  const own = account?.toLowerCase();
  return (line) => {
    if (level !== undefined && line.level !== undefined && RANKS[line.level] < RANKS[level]) {
      return false;
    }
    if (part !== undefined && !part.includes(line.part ?? "")) return false;
    if (own !== undefined && (line.level === undefined || accountOf(line) !== own)) return false;
    if (since !== undefined && line.at !== undefined && line.at < since) return false;
    if (text === undefined) return true;
    if (line.raw.startsWith("{") && !line.raw.toLowerCase().includes(longest)) return false;
    return plainLine(line).toLowerCase().includes(text);
  };
}

function accountOf({ fields: { accountId = DEFAULT } }: ReadLine): unknown {
  return accountId;
}

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
export function toSince(text: string, now: number = Date.now()): number {
  const since = sinceOf(text.trim(), now);
  if (since === undefined || Number.isNaN(since)) {
    throw new RangeError(
      `"${text}" is no time; write 30m, 2h, 7d, today, yesterday, 2026-01-31 or "2026-01-31 12:30" (UTC)`,
    );
  }
  if (since > now) throw new RangeError(`${timeText(since)} is in the future`);
  return since;
}

function sinceOf(text: string, now: number): number | undefined {
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
