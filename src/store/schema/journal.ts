/**
 * The journal in front of all other tables (`database/journal.ts`).
 *
 * @module
 */

/** SQL for the journal. */
export const JOURNAL = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- name of the code that does the work
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables refused it; kept for the operator
  ) STRICT;
`;
