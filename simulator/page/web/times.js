/**
 * Turns Discord's timestamps into text, in the reader's own language and time zone.
 *
 * @see {@link https://docs.discord.com/developers/reference#message-formatting-timestamp-styles}
 */

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

/**
 * Units of a relative time, with their lengths in seconds.
 *
 * @type {[Intl.RelativeTimeFormatUnit, number][]}
 */
const UNITS = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/**
 * The text of a timestamp: `"14:05"`, or `"in 59 minutes"` for style `R`.
 *
 * @param {number} atSec Unix time in seconds.
 * @param {string} style Discord's letter; an unknown one counts as `f`.
 * @param {number} nowMs Unix time in milliseconds.
 * @param {string} [locale] The browser's, if absent.
 * @returns {string}
 */
export function timeText(atSec, style, nowMs, locale) {
  if (style === "R") return relative(atSec - nowMs / 1_000, locale);
  return new Intl.DateTimeFormat(locale, STYLES[style] ?? STYLES["f"]).format(atSec * 1_000);
}

/**
 * @param {number} sec
 * @param {string | undefined} locale
 */
function relative(sec, locale) {
  const [unit, length] = UNITS.find(([, length]) => Math.abs(sec) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(locale).format(Math.trunc(sec / length), unit);
}
