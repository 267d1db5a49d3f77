/**
 * Reads rows of schedules and runs.
 *
 * @module
 */

import { z } from "zod";
import { column } from "../schema/columns.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { RunState, Schedule, ScheduleRun } from "../../core/turn/schedule.ts";

/**
 * Columns of a run, for a query over `schedule_run AS r`. Its state is that of its turn, if it has
 * one, and of its messages.
 */
export const RUN_COLUMNS = `r.message_id, r.due_at, r.started_at,
  (CASE WHEN r.is_refused = 1 THEN 'refused' ELSE
    (SELECT CASE i.state WHEN 'failed' THEN 'failed' WHEN 'answered' THEN NULL
                         WHEN 'declined' THEN 'silent' ELSE 'running' END
     FROM inbox AS i WHERE i.message_id = r.message_id) END) AS turn,
  (SELECT MAX(CASE WHEN o.state IN ('dead', 'dropped', 'uncertain') THEN 2
                   WHEN o.state IN ('pending', 'sending') THEN 1 ELSE 0 END)
   FROM outbox AS o WHERE o.cause_id = r.message_id) AS unsent`;

const runSchema = z.object({
  message_id: snowflakeSchema<"message">(),
  due_at: column.number,
  started_at: column.number,
  turn: z.enum(["refused", "failed", "silent", "running"]).nullable(),
  unsent: column.numberOrNull,
});

/** Reads a row with {@link RUN_COLUMNS}. */
export function readRun(row: unknown): ScheduleRun {
  const { message_id, due_at, started_at, turn, unsent } = runSchema.parse(row);
  return {
    messageId: message_id,
    dueAt: due_at,
    startedAt: started_at,
    state: turn ?? stateBy(unsent ?? 0),
  };
}

function stateBy(unsent: number): RunState {
  return unsent === 2 ? "undelivered" : unsent === 1 ? "sending" : "delivered";
}

const scheduleSchema = z.object({
  id: column.number,
  account_id: z.string().transform(toAccountId),
  kind: z.enum(["reminder", "task"]),
  text: column.text,
  cron: column.textOrNull,
  origin: column.text,
  next_at: column.numberOrNull,
  asked_at: column.numberOrNull,
  paused_by: z.enum(["operator", "failures"]).nullable(),
});

/** Reads a row of `schedule`. Its origin is ours, written by `rows.ts`. */
export function readSchedule(row: unknown, lastRun?: ScheduleRun): Schedule {
  const read = scheduleSchema.parse(row);
  const { id, account_id: accountId, kind, text, cron, origin } = read;
  return {
    id,
    accountId,
    kind,
    text,
    cron: cron ?? undefined,
    origin: JSON.parse(origin),
    nextAt: read.next_at ?? undefined,
    askedAt: read.asked_at ?? undefined,
    pausedBy: read.paused_by ?? undefined,
    lastRun,
  };
}
