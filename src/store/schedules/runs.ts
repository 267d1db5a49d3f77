/**
 * Finds due schedules, and records their runs.
 *
 * A run begins in one transaction with its messages, if it is a reminder. The turn of a task is
 * stored before its run, under an id that a repetition computes again. So a crash between the two
 * neither loses nor repeats a run.
 */

import type { DatabaseSync } from "node:sqlite";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { integer, oneOf, optional, rows, snowflake } from "../schema/columns.ts";
import { STORED_SCHEDULE } from "../schema/schedules.ts";
import type { ScheduleRuns } from "../../core/store/schedules.ts";
import type { RunState, ScheduleRun } from "../../core/turn/schedule.ts";

/** Number of runs of a schedule that are kept. */
export const SCHEDULE_RUNS_MAX = 50;

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

const RUN = rows({
  messageId: snowflake<"message">(),
  dueAt: integer(),
  startedAt: integer(),
  turn: optional(oneOf("refused", "failed", "silent", "running")),
  unsent: optional(integer()),
});

/** Reads a row with {@link RUN_COLUMNS}. */
export function readRun(row: unknown): ScheduleRun {
  const { turn, unsent = 0, ...run } = RUN.read(row);
  return { ...run, state: turn ?? stateBy(unsent) };
}

function stateBy(unsent: number): RunState {
  return unsent === 2 ? "undelivered" : unsent === 1 ? "sending" : "delivered";
}

const ID = rows({ id: integer() });
const NEXT = rows({ at: optional(integer()) });

/** Creates the storage of runs. */
export function createScheduleRuns(
  database: DatabaseSync,
  { commit, read }: Transactions,
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
  const selectRestored = database.prepare(
    "SELECT at FROM setting WHERE (account_id, scope, name) = ('', 'store', 'restored')",
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
       (SELECT id FROM schedule_run WHERE schedule_row = :id ORDER BY id DESC LIMIT ${SCHEDULE_RUNS_MAX})`,
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
        const asked = selectAsked.all(accountId, limit).map(STORED_SCHEDULE.read);
        const restored = selectRestored.get();
        const { at: restoredAt = -Infinity } = restored ? NEXT.read(restored) : {};
        const own = selectDue.all(accountId, now, limit).map(STORED_SCHEDULE.read)
          .filter(({ id }) => !asked.some((other) => other.id === id))
          .map((due) => ({ ...due, isRestored: (due.nextAt ?? now) <= restoredAt || undefined }));
        return [...asked, ...own];
      }),
    nextAt: (accountId) => read(() => NEXT.read(selectNext.get(accountId)).at),
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
        return row && ID.read(row).id;
      }),
  };
}
