/** Chooses lines of a log: by level, part, account, time and text. */

import { timeText } from "../../lib/text/units.ts";
import type { Log } from "../../lib/log.ts";
import { RANKS } from "../../log.ts";
import { lineForPeople, type ReadLine } from "./lines.ts";

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
  const own = account?.toLowerCase();
  return (line) => {
    if (level !== undefined && line.level !== undefined && RANKS[line.level] < RANKS[level]) {
      return false;
    }
    if (part !== undefined && !part.includes(line.part ?? "")) return false;
    if (own !== undefined && (line.level === undefined || accountOf(line) !== own)) return false;
    if (since !== undefined && line.at !== undefined && line.at < since) return false;
    return text === undefined || lineForPeople(line, false).toLowerCase().includes(text);
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
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** A date, with or without a time, in UTC unless it names a zone. */
const DATE =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?( ?UTC|Z|[+-]\d\d:?\d\d)?$/i;

/**
 * Reads the beginning of a time: `"30m"`, `"2h"`, `"7d"`, `"today"`, or a date with or without time.
 *
 * @throws {RangeError} If the text is none of these, or a time to come.
 */
export function toSince(text: string, now: number = Date.now()): number {
  const since = sinceOf(text.trim(), now);
  if (since === undefined || Number.isNaN(since)) {
    throw new RangeError(
      `"${text}" is no time; write 30m, 2h, 7d, today, 2026-01-31 or "2026-01-31 12:30" (UTC)`,
    );
  }
  if (since > now) throw new RangeError(`${timeText(since)} is in the future`);
  return since;
}

function sinceOf(text: string, now: number): number | undefined {
  if (text.toLowerCase() === "today") return now - now % (UNIT_MS["d"] ?? 1);
  const [, count, unit = ""] = /^(\d{1,6}) ?([a-z]+)$/i.exec(text) ?? [];
  const ms = UNIT_MS[unit.toLowerCase()];
  if (count !== undefined) return ms === undefined ? undefined : now - Number(count) * ms;
  const [, day, time = "00:00", zone = "Z"] = DATE.exec(text) ?? [];
  if (day === undefined) return undefined;
  return Date.parse(`${day}T${time}${/utc/i.test(zone) ? "Z" : zone}`);
}
