/**
 * The journal in front of all other tables (`database/journal.ts`).
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
