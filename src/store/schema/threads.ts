/**
 * The table of threads that answers open.
 *
 * @module
 */

/** SQL for the table of threads. */
export const THREADS = `
  CREATE TABLE answer_thread (
    account_id TEXT NOT NULL,
    thread_id  TEXT NOT NULL, -- also the id of the message that it starts from
    channel_id TEXT NOT NULL, -- of that message
    asker_id   TEXT NOT NULL, -- its author
    has_asker  INTEGER NOT NULL DEFAULT 1, -- 0: the author has left the thread
    title      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN (
      'opening', -- Discord may have it
      'open',
      'refused'  -- the answer is in the channel
    )),
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, thread_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX answer_thread_newest ON answer_thread (account_id, at);
`;
