/**
 * Tables of schedules and their runs (T12).
 *
 * A run has the id of a message of its own. Its state is read from the inbox and the outbox, so no
 * transaction of a turn or of a delivery writes to these tables.
 *
 * @module
 */

/** SQL for the tables of schedules. */
export const SCHEDULES = `
  CREATE TABLE schedule (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- ids of runs contain it, so none comes again
    account_id TEXT NOT NULL,
    creator_id TEXT NOT NULL,
    call_key   TEXT NOT NULL UNIQUE, -- of the call that created it
    kind       TEXT NOT NULL CHECK (kind IN ('reminder', 'task')),
    text       TEXT NOT NULL,
    cron       TEXT, -- NULL if it runs once
    origin     TEXT NOT NULL, -- JSON of a ScheduleOrigin
    next_at    INTEGER, -- NULL once the only run has begun
    asked_at   INTEGER, -- when an operator asked for a run besides
    paused_by  TEXT CHECK (paused_by IN ('operator', 'failures')),
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX schedule_next ON schedule (account_id, next_at) WHERE next_at IS NOT NULL;
  CREATE INDEX schedule_asked ON schedule (account_id) WHERE asked_at IS NOT NULL;

  CREATE TABLE schedule_run (
    id          INTEGER PRIMARY KEY, -- in the order of their begin
    account_id  TEXT NOT NULL,
    schedule_id INTEGER NOT NULL,
    message_id  TEXT NOT NULL UNIQUE, -- of the run, in the inbox and the outbox
    due_at      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    is_refused  INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX schedule_run_of ON schedule_run (schedule_id, id);
`;
