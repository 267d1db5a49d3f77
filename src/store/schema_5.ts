/**
 * The fifth schema: the journal.
 *
 * A transaction of the way that every answered message takes is one row here first,
 * and many of them together change the tables a moment later (`commits.ts`). Which
 * message is next is decided in memory (`claim_queue.ts`), so the inbox needs one
 * index of its open rows instead of three.
 *
 * @module
 */

export const JOURNAL = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- which module's record it is
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables did not take it; kept for the operator
  ) STRICT;
`;

export const SCHEMA_5 = `${JOURNAL}
  DROP INDEX inbox_waiting;
  DROP INDEX inbox_waiting_in_session;
  DROP INDEX inbox_running;
  CREATE INDEX inbox_open ON inbox (state, id) WHERE finished_at IS NULL;
`;
