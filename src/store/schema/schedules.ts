/** The tables of schedules and their runs (T12). */

import type { ScheduleOrigin } from "../../core/turn/schedule.ts";
import {
  account,
  type DeclaredTable,
  flag,
  integer,
  json,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";

/** A reminder or a scheduled task. */
export const SCHEDULE = table("schedule", {
  id: rowNumber(true), // ids of runs contain it
  accountId: account(),
  creatorId: snowflake<"user">(),
  callKey: unique(text()), // of the call that created it
  kind: oneOf("reminder", "task"),
  text: text(),
  cron: optional(text()), // absent if it runs once
  origin: json<ScheduleOrigin>(),
  nextAt: optional(integer()), // absent once the only run has begun
  askedAt: optional(integer()), // when an operator asked for a run besides
  pausedBy: optional(oneOf("operator", "failures")),
  createdAt: integer(),
}, {
  sql: `
    CREATE INDEX schedule_next ON schedule (account_id, next_at) WHERE next_at IS NOT NULL;
    CREATE INDEX schedule_asked ON schedule (account_id) WHERE asked_at IS NOT NULL;`,
  isOfBot: true,
  forgets: { delete: "creator_id = :userId", scrub: ["text", "origin"] },
});

/** The columns that are a `Schedule`. */
export const STORED_SCHEDULE = SCHEDULE.pick(
  "id",
  "accountId",
  "kind",
  "text",
  "cron",
  "origin",
  "nextAt",
  "askedAt",
  "pausedBy",
);

/** A run of a schedule. */
export const SCHEDULE_RUN = table("schedule_run", {
  id: rowNumber(), // in the order of their begin
  accountId: account(),
  scheduleRow: integer(),
  messageId: unique(snowflake<"message">()), // of the run, in the inbox and the outbox
  dueAt: integer(),
  startedAt: integer(),
  isRefused: flag(),
}, {
  sql: "CREATE INDEX schedule_run_of ON schedule_run (schedule_row, id);",
  isOfBot: true,
  forgets: { delete: "schedule_row IN (SELECT id FROM schedule WHERE creator_id = :userId)" },
});

/** The tables of this topic. Runs are forgotten before the schedules that name the person. */
export const SCHEDULE_TABLES: readonly DeclaredTable[] = [SCHEDULE_RUN, SCHEDULE];
