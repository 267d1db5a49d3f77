/** `store.trends`: figures by minute for a day and by hour for a year, in two rings. */

import type { DatabaseSync } from "node:sqlite";
import type { Trend, Trends, TrendSpan } from "../../core/store/trends.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { TREND } from "../schema/trends.ts";

/** Rows of each ring: a day of minutes, a year of hours. */
export const TRENDS_KEPT: Readonly<Record<TrendSpan, number>> = { 60: 1_440, 3_600: 8_784 };

/** Creates the namespace. */
export function createTrends(
  database: DatabaseSync,
  { commit, readUnjournaled }: Pick<Transactions, "commit" | "readUnjournaled">,
): Trends {
  const FIGURES = [
    "at",
    "accepted",
    "ignored",
    "answers",
    "failures",
    "median_ms",
    "slowest_ms",
    "waiting",
    "unsent",
  ];
  const upsert = TREND.prepareInsert(
    database,
    `ON CONFLICT DO UPDATE SET ${FIGURES.map((name) => `${name} = excluded.${name}`).join(", ")}`,
  );
  const select = database.prepare(
    "SELECT * FROM trend WHERE span = ? AND at >= ? ORDER BY at",
  );
  const selectHour = database.prepare("SELECT * FROM trend WHERE span = 3600 AND place = ?");

  function add(minute: Trend): void {
    upsert(rowOf(60, minute));
    const at = minute.at - minute.at % HOUR_MS;
    const row = selectHour.get(placeOf(3_600, at));
    const known = row && TREND.read(row);
    upsert(rowOf(3_600, known?.at === at ? joined(known, minute) : { ...minute, at }));
  }

  return {
    addMinutes: (minutes) =>
      commit(UNNAMED, () => { // no wait for the disk: a power cut may cost the last minutes
        for (const minute of minutes) add(minute);
      }),
    trendsSince: (span, since) =>
      readUnjournaled(() =>
        select.all(span, since).map((row): Trend => {
          const { span: _, place: __, ...trend } = TREND.read(row);
          return trend;
        })
      ),
  };
}

const HOUR_MS = 3_600_000;

function placeOf(span: TrendSpan, at: number): number {
  return Math.floor(at / 1_000 / span) % TRENDS_KEPT[span];
}

function rowOf(span: TrendSpan, trend: Trend) {
  return { span, place: placeOf(span, trend.at), ...trend };
}

/** Adds a minute to its hour. */
function joined(hour: Trend, minute: Trend): Trend {
  const answers = hour.answers + minute.answers;
  const totalMs = hour.medianMs * hour.answers + minute.medianMs * minute.answers;
  return {
    at: hour.at,
    accepted: hour.accepted + minute.accepted,
    ignored: hour.ignored + minute.ignored,
    answers,
    failures: hour.failures + minute.failures,
    medianMs: answers === 0 ? 0 : Math.round(totalMs / answers),
    slowestMs: Math.max(hour.slowestMs, minute.slowestMs),
    waiting: Math.max(hour.waiting, minute.waiting),
    unsent: Math.max(hour.unsent, minute.unsent),
  };
}
