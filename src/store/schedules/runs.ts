/**
 * Finds due schedules, and records their runs.
 *
 * A run begins in one transaction with its messages, if it is a reminder. The turn of a task is
 * stored before its run, under an id that a repetition computes again. So a crash between the two
 * neither loses nor repeats a run.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column, SELDOM_READ } from "../schema/columns.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { readRun, readSchedule, RUN_COLUMNS } from "./read_schedule.ts";
import type { ScheduleRuns } from "../../core/store/schedules.ts";

/** Number of runs of a schedule that are kept. */
const KEPT_RUNS = 50;

const idSchema = z.object({ id: column.number });
const nextSchema = z.object({ at: column.numberOrNull });

/**
 * Creates the storage of runs.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createScheduleRuns(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
  outgoing: Outgoing,
): ScheduleRuns {
  const addOnce = prepareAddOnce(database, outgoing);
  const selectAsked = database.prepare(
    "SELECT * FROM schedule WHERE account_id = ? AND asked_at IS NOT NULL LIMIT ?",
  );
  const selectDue = database.prepare(
    `SELECT * FROM schedule
     WHERE account_id = ? AND next_at IS NOT NULL AND next_at <= ? AND paused_by IS NULL
     ORDER BY next_at LIMIT ?`,
  );
  const selectNext = database.prepare(
    `SELECT MIN(next_at) AS at FROM schedule
     WHERE account_id = ? AND next_at IS NOT NULL AND paused_by IS NULL`,
  );
  const exists = database.prepare("SELECT 1 FROM schedule WHERE id = ?");
  const insert = database.prepare(
    `INSERT INTO schedule_run (account_id, schedule_row, message_id, due_at, started_at, is_refused)
     SELECT account_id, id, :messageId, :dueAt, :now, :isRefused FROM schedule WHERE id = :id
     ON CONFLICT (message_id) DO NOTHING`,
  );
  const advance = database.prepare(
    "UPDATE schedule SET next_at = :nextAt WHERE id = :id AND next_at = :dueAt",
  );
  const answerAsked = database.prepare(
    "UPDATE schedule SET asked_at = NULL WHERE id = :id AND asked_at = :dueAt",
  );
  const prune = database.prepare(
    `DELETE FROM schedule_run WHERE schedule_row = :id AND id NOT IN
       (SELECT id FROM schedule_run WHERE schedule_row = :id ORDER BY id DESC LIMIT ${KEPT_RUNS})`,
  );
  const selectRuns = database.prepare(
    `SELECT ${RUN_COLUMNS} FROM schedule_run AS r WHERE r.schedule_row = ? ORDER BY r.id DESC LIMIT ?`,
  );
  const selectOwner = database.prepare(
    "SELECT schedule_row AS id FROM schedule_run WHERE message_id = ?",
  );

  return {
    due: (accountId, now, limit) =>
      read(() => {
        const asked = selectAsked.all(accountId, limit).map((row) => readSchedule(row));
        const own = selectDue.all(accountId, now, limit).map((row) => readSchedule(row))
          .filter(({ id }) => !asked.some((other) => other.id === id));
        return [...asked, ...own];
      }),
    nextAt: (accountId) =>
      read(() => nextSchema.parse(selectNext.get(accountId), SELDOM_READ).at ?? undefined),
    begin: ({ scheduleId: id, messageId, dueAt, isAsked, nextAt, isRefused }, messages, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (!exists.get(id)) return; // deleted meanwhile
        insert.run({ id, messageId, dueAt, now, isRefused: isRefused ? 1 : 0 });
        if (isAsked) answerAsked.run({ id, dueAt });
        else advance.run({ id, dueAt, nextAt: nextAt ?? null });
        for (const message of messages) addOnce(message, now);
        prune.run({ id });
      }),
    runsOf: (scheduleId, limit) => read(() => selectRuns.all(scheduleId, limit).map(readRun)),
    scheduleOf: (messageId) =>
      read(() => {
        const row = selectOwner.get(messageId);
        return row && idSchema.parse(row).id;
      }),
  };
}
