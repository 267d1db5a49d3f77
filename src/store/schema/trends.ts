/** The table of figures by minute and by hour. */

import { type DeclaredTable, integer, table } from "./columns.ts";

/** Figures of a minute or an hour. Its places are two rings, so the table never grows. */
export const TREND = table("trend", {
  span: integer(), // seconds: 60 or 3600
  place: integer(), // in the ring of its span
  at: integer(),
  accepted: integer(),
  ignored: integer(),
  answers: integer(),
  failures: integer(),
  medianMs: integer(), // of an hour: the mean of its minutes, by answers
  slowestMs: integer(),
  waiting: integer(), // maximum
  unsent: integer(), // maximum
}, {
  key: ["span", "place"],
  forgets: "counts of messages, without people and places",
});

/** The tables of this topic. */
export const TREND_TABLES: readonly DeclaredTable[] = [TREND];
