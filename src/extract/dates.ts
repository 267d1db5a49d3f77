/**
 * Formats numbers of a spreadsheet as dates. Excel stores a date as a number of days, and only the
 * cell's format tells that it is one.
 *
 * @module
 */

/** Ids of Excel's own formats that show a date or a time. */
const DATE_FORMATS: ReadonlySet<number> = new Set([
  ...[14, 15, 16, 17, 18, 19, 20, 21, 22],
  ...[45, 46, 47],
]);

/** Whether a format shows numbers as dates or times. */
export function isDateFormat(id: number, code: string | undefined): boolean {
  if (code === undefined) return DATE_FORMATS.has(id);
  // Text in quotes or brackets, such as a colour, is no part of the date.
  return /[dmyhs]/i.test(code.replace(/"[^"]*"|\[[^\]]*\]|\\./g, "")) && !/^general$/i.test(code);
}

const DAY_MS = 86_400_000;
/** Days between Excel's day 0, 30 December 1899, and 1 January 1970. */
const EPOCH_DAYS = 25_569;
/** Days between the two ways of counting: from 1900 and from 1904. */
const DAYS_1904 = 1_462;

/**
 * Formats a number of days: `"2026-03-01"`, `"2026-03-01 14:30"` or `"14:30"`.
 *
 * @returns `undefined` if it is no date.
 */
export function dateOf(days: number, isFrom1904: boolean): string | undefined {
  if (!Number.isFinite(days) || days < 0 || days > 2_958_465) return undefined;
  const since1900 = isFrom1904 && days >= 1 ? days + DAYS_1904 : days;
  // Rounded to seconds, because a double holds no exact minute of a day.
  const ms = Math.round((since1900 - EPOCH_DAYS) * DAY_MS / 1_000) * 1_000;
  const [date = "", time = ""] = new Date(ms).toISOString().split("T");
  const clock = time.endsWith(":00.000Z") ? time.slice(0, 5) : time.slice(0, 8);
  if (days < 1) return clock;
  return clock === "00:00" ? date : `${date} ${clock}`;
}
