/** Tables of schedules and their runs (T12). */

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
} from "../../store/schema/columns.ts";
import { MAX_PER_USER, type SetBy } from "./schedule.ts";

/** Number of runs of a schedule that are kept. */
export const SCHEDULE_RUNS_MAX = 50;

/** Days after which a schedule without a run before it is forgotten. */
export const SCHEDULES_KEPT_DAYS = 30;

export const SCHEDULE = table("schedule", {
  id: rowNumber(true), // ids of runs contain it
  accountId: account(),
  creatorId: snowflake<"user">(),
  callKey: unique(text()), // of the call that created it: a repeated call creates no second one
  kind: oneOf("reminder", "task"), // posts its text, or runs a turn of its creator with it
  text: text(), // untrusted
  isOwnWords: flag(), // whether each word is the creator's: it then stays, whatever the turn has read
  cron: optional(text()), // five fields; absent if it runs once
  setBy: json<SetBy>(),
  nextAt: optional(integer()), // absent once the only run has begun
  pausedBy: optional(oneOf("operator", "failures")), // by a command, or as its last runs have failed
  createdAt: integer(),
}, {
  sql: "CREATE INDEX schedule_next ON schedule (account_id, next_at) WHERE next_at IS NOT NULL;",
  isOfBot: true,
  holds: {
    under: "Texts",
    data: "Reminders and scheduled tasks: text, creator, channel, runs",
    kept:
      `${MAX_PER_USER} of a person at most; until deleted, or ${SCHEDULES_KEPT_DAYS} days after ` +
      `the only run; of each, the newest ${SCHEDULE_RUNS_MAX} runs`,
  },
  forgets: { delete: "creator_id = :userId", scrub: ["text", "setBy"] },
});

const SCHEDULE_RUN = table("schedule_run", {
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
  holds: "schedule",
  forgets: { delete: "schedule_row IN (SELECT id FROM schedule WHERE creator_id = :userId)" },
});

/** Runs are forgotten before the schedules that name the person. */
export const SCHEDULE_TABLES: readonly DeclaredTable[] = [SCHEDULE_RUN, SCHEDULE];
