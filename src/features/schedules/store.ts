/**
 * `store.schedules`: reminders, which post a text, and tasks, which run a turn, once or again and again;
 * with their tables and their runs (T12).
 */

import {
  type AccountId,
  type MessageId,
  snowflakeAt,
  type UserId,
} from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS, type Transactions } from "../../store/database/commits.ts";
import { prepareAddOnce } from "../../store/outbox/outbox.ts";
import {
  account,
  COUNT,
  type DeclaredTable,
  flag,
  integer,
  json,
  oneOf,
  optional,
  rowNumber,
  rows,
  snowflake,
  table,
  text,
  unique,
} from "../../store/schema/columns.ts";

/** The message that created a schedule, without its words: who asks, and where. */
export interface SetBy extends
  Pick<
    InboundMessage,
    "accountId" | "id" | "channelId" | "guildId" | "place" | "sender"
  > {
  /** The agent whose turn it was; absent in old schedules. */
  readonly agentId?: string;
}

/**
 * The state of a run.
 *
 * - `running`: its turn waits or runs. `sending`: its messages wait for Discord.
 * - `delivered`: Discord has acknowledged each message. `declined`: the model had nothing to say.
 * - `failed`: its turn failed. `undelivered`: Discord has not taken a message for good.
 * - `refused`: its creator may not ask the bot there any more.
 */
type RunState =
  | "running"
  | "sending"
  | "delivered"
  | "declined"
  | "failed"
  | "undelivered"
  | "refused";

/** Maximum number of schedules of a user that still have a run before them. */
export const MAX_PER_USER = 20;

/** Number of failed runs in a row that pause a schedule. */
export const MAX_FAILURES = 3;

/** The id of a run. The same run gets the same id after a crash, so it is answered once. */
export function runIdOf(scheduleId: number, dueAt: number): MessageId {
  return snowflakeAt<"message">(dueAt, scheduleId);
}

export function setByOf(
  { accountId, id, channelId, guildId, place, sender }: SetBy,
  agentId: string,
): SetBy {
  return { accountId, id, channelId, guildId, place, sender, agentId };
}

/** Whether a run has ended without its result reaching people. */
export function isFailure(state: RunState): boolean {
  return state === "failed" || state === "undelivered" || state === "refused";
}

/** Number of runs of a schedule that are kept. */
const SCHEDULE_RUNS_MAX = 50;

/** Days after which a schedule without a run before it is forgotten. */
const SCHEDULES_KEPT_DAYS = 30;

const SCHEDULE = table("schedule", {
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

export function createSchedules(transactions: Transactions) {
  return { ...createScheduleRows(transactions), ...createScheduleRuns(transactions) };
}

export type Schedule = ReturnType<typeof SCHEDULE.read>;
export type NewSchedule = Parameters<ReturnType<typeof SCHEDULE.prepareInsert>>[0];
export type ScheduleRun = ReturnType<typeof readRun>;

function createScheduleRows({ database, sql, commit, read }: Transactions) {
  const byKey = sql.rows(SCHEDULE.read)`SELECT * FROM schedule WHERE call_key = ?`;
  const byId = sql.rows(SCHEDULE.read)`SELECT * FROM schedule WHERE id = ?`;
  const count = sql.rows(COUNT.read)`SELECT COUNT(*) AS count FROM schedule
     WHERE account_id = ? AND creator_id = ? AND next_at IS NOT NULL`;
  const insert = SCHEDULE.prepareInsert(database, "RETURNING *");
  const forgetOld = [
    `DELETE FROM schedule_run WHERE schedule_row IN
       (SELECT id FROM schedule WHERE account_id = :accountId AND next_at IS NULL
        AND created_at < :before)
     AND started_at < :before`,
    `DELETE FROM schedule WHERE account_id = :accountId AND next_at IS NULL
       AND created_at < :before
       AND NOT EXISTS (SELECT 1 FROM schedule_run AS r WHERE r.schedule_row = schedule.id)`,
  ].map((sql) => database.prepare(sql));
  const select = sql.rows(SCHEDULE.read)`SELECT * FROM schedule WHERE account_id = :accountId
       AND (:creatorId IS NULL OR creator_id = :creatorId) ORDER BY id`;
  const removeRuns = sql`DELETE FROM schedule_run WHERE schedule_row = ?`;
  const remove = sql`DELETE FROM schedule WHERE id = ?`;
  const pause = sql`UPDATE schedule SET paused_by = ? WHERE id = ?`;
  const resume = sql`
    UPDATE schedule SET paused_by = NULL, next_at = COALESCE(:nextAt, next_at) WHERE id = :id`;

  const change = (work: () => { readonly changes: number | bigint }): Promise<boolean> =>
    commit(COMMIT_OPTIONS.BY_HAND, () => Number(work().changes) > 0);

  return {
    /**
     * Stores a schedule, once for each call.
     *
     * @returns The schedule, or `undefined` if its creator has too many.
     */
    create(schedule: NewSchedule): Promise<Schedule | undefined> {
      const { accountId, creatorId, callKey, createdAt } = schedule;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const known = byKey.get(callKey);
        if (known) return known;
        if (count.one(accountId, creatorId).count >= MAX_PER_USER) {
          return undefined;
        }
        for (const statement of forgetOld) {
          statement.run({ accountId, before: createdAt - SCHEDULES_KEPT_DAYS * DAY_MS });
        }
        return SCHEDULE.read(insert(schedule));
      });
    },
    /** Schedules of an account, in the order of their creation; of one creator, if given. */
    list: (accountId: AccountId, creatorId?: UserId): Promise<readonly Schedule[]> =>
      read(() => select.all({ accountId, creatorId: creatorId ?? null })),
    /** One schedule; `undefined` if there is none with this number. */
    find: (id: number): Promise<Schedule | undefined> => read(() => byId.get(id)),
    /** Deletes a schedule with its runs. Runs that have begun end. @returns Whether it existed. */
    remove: (id: number) =>
      change(() => {
        removeRuns.run(id);
        return remove.run(id);
      }),
    /** Pauses a schedule. @returns Whether it existed. */
    pause: (id: number, by: NonNullable<Schedule["pausedBy"]>) => change(() => pause.run(by, id)),
    /**
     * Ends a pause.
     *
     * @param nextAt Unix time in milliseconds of the next run, which replaces a missed one.
     * @returns Whether it existed.
     */
    resume: (id: number, nextAt?: number) =>
      change(() => resume.run({ id, nextAt: nextAt ?? null })),
  };
}

/**
 * Columns of a run, for a query over `schedule_run AS r`. Its state is that of its turn, if it has
 * one, and of its messages.
 */
const RUN_COLUMNS = `r.message_id, r.due_at, r.started_at,
  (CASE WHEN r.is_refused = 1 THEN 'refused' ELSE
    (SELECT CASE i.state WHEN 'failed' THEN 'failed' WHEN 'answered' THEN NULL
                         WHEN 'declined' THEN 'declined' ELSE 'running' END
     FROM inbox AS i WHERE i.message_id = r.message_id) END) AS turn,
  (SELECT MAX(CASE WHEN o.state IN ('dead', 'dropped', 'uncertain') THEN 2
                   WHEN o.state IN ('pending', 'sending') THEN 1 ELSE 0 END)
   FROM outbox AS o WHERE o.cause_id = r.message_id) AS unsent`;

const RUN = rows({
  messageId: snowflake<"message">(),
  dueAt: integer(),
  startedAt: integer(),
  turn: optional(oneOf("refused", "failed", "declined", "running")),
  unsent: optional(integer()),
});

function readRun(row: unknown) {
  const { turn, unsent = 0, ...run } = RUN.read(row);
  return { ...run, state: turn ?? stateBy(unsent) };
}

function stateBy(unsent: number): RunState {
  return unsent === 2 ? "undelivered" : unsent === 1 ? "sending" : "delivered";
}

/** Why a run's messages are not sent, for the operator. */
const MAY_NOT_POST = "its creator may not write there";

const ID = rows({ id: integer() });
const NEXT = rows({ at: optional(integer()) });

/**
 * Finds due schedules, and records their runs.
 *
 * A run begins in one transaction with its messages, if it is a reminder. The turn of a task is
 * stored before its run, under an id that a repetition computes again. So a crash between the two
 * neither loses nor repeats a run.
 */
function createScheduleRuns({ database, sql, commit, read }: Transactions) {
  const addOnce = prepareAddOnce(database);
  const selectDue = sql.rows(SCHEDULE.read)`SELECT * FROM schedule
     WHERE account_id = ? AND next_at IS NOT NULL AND next_at <= ? AND paused_by IS NULL
     ORDER BY next_at LIMIT ?`;
  const selectRestored = sql`
    SELECT at FROM setting WHERE (account_id, scope, name) = ('', 'store', 'restored')`;
  const selectNext = sql.rows(NEXT.read)`SELECT MIN(next_at) AS at FROM schedule
     WHERE account_id = ? AND next_at IS NOT NULL AND paused_by IS NULL`;
  const exists = sql`SELECT 1 FROM schedule WHERE id = ?`;
  const insert = sql`
    INSERT INTO schedule_run (account_id, schedule_row, message_id, due_at, started_at, is_refused)
    SELECT account_id, id, :messageId, :dueAt, :now, :isRefused FROM schedule WHERE id = :id
    ON CONFLICT (message_id) DO NOTHING`;
  const advance = sql`UPDATE schedule SET next_at = :nextAt WHERE id = :id AND next_at = :dueAt`;
  const prune = sql`DELETE FROM schedule_run WHERE schedule_row = :id AND id NOT IN
       (SELECT id FROM schedule_run WHERE schedule_row = :id ORDER BY id DESC LIMIT ${SCHEDULE_RUNS_MAX})`;
  const selectRuns = sql.rows(readRun)`
    SELECT ${RUN_COLUMNS} FROM schedule_run AS r WHERE r.schedule_row = ? ORDER BY r.id DESC LIMIT ?`;
  const selectOwner = sql.rows(ID.read)`
    SELECT schedule_row AS id FROM schedule_run WHERE message_id = ?`;

  return {
    /**
     * Schedules of an account that are due and not paused, the earliest first. `isRestored`: the run
     * was due before the store was restored, so it may have run elsewhere (O11).
     */
    due: (accountId: AccountId, now: number, limit: number) =>
      read(() => {
        const restored = selectRestored.get();
        const { at: restoredAt = -Infinity } = restored ? NEXT.read(restored) : {};
        return selectDue.all(accountId, now, limit)
          .map((due) => ({ ...due, isRestored: (due.nextAt ?? now) <= restoredAt }));
      }),
    /** Unix time in milliseconds of the account's next run; `undefined` if there is none. */
    nextAt: (accountId: AccountId): Promise<number | undefined> =>
      read(() => selectNext.one(accountId).at),
    /**
     * Records that a run begins, with its messages. A repetition changes nothing. Neither does a run
     * of a deleted schedule. The messages of a refused run are never sent.
     *
     * @param run `nextAt`: of the next run; absent if there is none. `isRefused`: its creator may not
     * ask the bot there any more.
     */
    begin: (
      { scheduleId: id, messageId, dueAt, nextAt, isRefused }: {
        readonly scheduleId: number;
        readonly messageId: MessageId;
        readonly dueAt: number;
        readonly nextAt: number | undefined;
        readonly isRefused: boolean;
      },
      messages: readonly Frozen[],
      now: number,
    ) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (!exists.get(id)) return; // deleted meanwhile
        insert.run({ id, messageId, dueAt, now, isRefused: isRefused ? 1 : 0 });
        advance.run({ id, dueAt, nextAt: nextAt ?? null });
        for (const message of messages) addOnce(message, now, isRefused ? MAY_NOT_POST : undefined);
        prune.run({ id });
      }),
    /** The newest runs of a schedule, newest first. */
    runsOf: (scheduleId: number, limit: number): Promise<readonly ScheduleRun[]> =>
      read(() => selectRuns.all(scheduleId, limit)),
    /** The number of the schedule whose run has this id; `undefined` if there is none. */
    scheduleOf: (messageId: MessageId): Promise<number | undefined> =>
      read(() => selectOwner.get(messageId)?.id),
  };
}
