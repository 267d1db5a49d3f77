/** `store.schedules`: reminders and scheduled tasks, with their runs (T12). */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { MAX_PER_USER, type Schedule } from "../../core/turn/schedule.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { COUNT } from "../schema/columns.ts";
import { SCHEDULE, STORED_SCHEDULE } from "../schema/schedules.ts";
import { createScheduleRuns, readRun, RUN_COLUMNS } from "./runs.ts";
import type { ScheduleRows, Schedules } from "../../core/store/schedules.ts";

/** Creates the namespace. */
export function createSchedules(
  database: DatabaseSync,
  transactions: Transactions,
  outgoing: Outgoing,
): Schedules {
  return joinParts(
    createScheduleRows(database, transactions),
    createScheduleRuns(database, transactions, outgoing),
  );
}

/** Days after which a schedule without a run before it is forgotten. */
export const SCHEDULES_KEPT_DAYS = 30;

function createScheduleRows(database: DatabaseSync, { commit, read }: Transactions): ScheduleRows {
  const byKey = database.prepare("SELECT * FROM schedule WHERE call_key = ?");
  const byId = database.prepare("SELECT * FROM schedule WHERE id = ?");
  const count = database.prepare(
    `SELECT COUNT(*) AS count FROM schedule
     WHERE account_id = ? AND creator_id = ? AND next_at IS NOT NULL`,
  );
  const insert = SCHEDULE.prepareInsert(database, "RETURNING *");
  const forgetOld = [
    `DELETE FROM schedule_run WHERE schedule_row IN
       (SELECT id FROM schedule WHERE account_id = :accountId AND next_at IS NULL
        AND asked_at IS NULL AND created_at < :before)
     AND started_at < :before`,
    `DELETE FROM schedule WHERE account_id = :accountId AND next_at IS NULL
       AND asked_at IS NULL AND created_at < :before
       AND NOT EXISTS (SELECT 1 FROM schedule_run AS r WHERE r.schedule_row = schedule.id)`,
  ].map((sql) => database.prepare(sql));
  const select = database.prepare(
    `SELECT * FROM schedule WHERE account_id = :accountId
       AND (:creatorId IS NULL OR creator_id = :creatorId) ORDER BY id`,
  );
  const newestRun = database.prepare(
    `SELECT ${RUN_COLUMNS} FROM schedule_run AS r
     WHERE r.schedule_row = ? ORDER BY r.id DESC LIMIT 1`,
  );
  const removeRuns = database.prepare("DELETE FROM schedule_run WHERE schedule_row = ?");
  const remove = database.prepare("DELETE FROM schedule WHERE id = ?");
  const pause = database.prepare("UPDATE schedule SET paused_by = ? WHERE id = ?");
  const resume = database.prepare(
    `UPDATE schedule SET paused_by = NULL, next_at = COALESCE(:nextAt, next_at) WHERE id = :id`,
  );
  const ask = database.prepare("UPDATE schedule SET asked_at = ? WHERE id = ?");

  function withLastRun(row: unknown): Schedule {
    const schedule = STORED_SCHEDULE.read(row);
    const run = newestRun.get(schedule.id);
    return run ? { ...schedule, lastRun: readRun(run) } : schedule;
  }

  const change = (work: () => { readonly changes: number | bigint }): Promise<boolean> =>
    commit(COMMIT_OPTIONS.BY_HAND, () => Number(work().changes) > 0);

  return {
    create(schedule, now) {
      const { accountId, sender: { id: creatorId } } = schedule.origin;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const known = byKey.get(schedule.callKey);
        if (known) return withLastRun(known);
        if (COUNT.read(count.get(accountId, creatorId)).count >= MAX_PER_USER) {
          return undefined;
        }
        for (const statement of forgetOld) {
          statement.run({ accountId, before: now - SCHEDULES_KEPT_DAYS * DAY_MS });
        }
        return STORED_SCHEDULE.read(insert({ ...schedule, accountId, creatorId, createdAt: now }));
      });
    },
    list: (accountId, creatorId) =>
      read(() => select.all({ accountId, creatorId: creatorId ?? null }).map(withLastRun)),
    find: (id) =>
      read(() => {
        const row = byId.get(id);
        return row && withLastRun(row);
      }),
    remove: (id) =>
      change(() => {
        removeRuns.run(id);
        return remove.run(id);
      }),
    pause: (id, by) => change(() => pause.run(by, id)),
    resume: (id, nextAt) => change(() => resume.run({ id, nextAt: nextAt ?? null })),
    ask: (id, now) => change(() => ask.run(now, id)),
  };
}
