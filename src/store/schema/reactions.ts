/**
 * The table of reactions to messages.
 *
 * @module
 */

/** SQL for the table of reactions. */
export const REACTIONS = `
  CREATE TABLE reaction ( -- the last change of each; of a channel, the newest ones
    id         INTEGER PRIMARY KEY, -- in the order of the changes
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    message_id TEXT NOT NULL, -- the message that has it
    user_id    TEXT NOT NULL,
    tag        TEXT NOT NULL, -- the person's name; empty if unknown
    emoji      TEXT NOT NULL,
    change     TEXT NOT NULL CHECK (change IN ('added', 'removed')),
    at         INTEGER NOT NULL,
    shown_in   TEXT, -- the message whose turn sees it first; NULL: none yet
    UNIQUE (account_id, message_id, user_id, emoji)
  ) STRICT;
  CREATE INDEX reaction_in_channel ON reaction (account_id, channel_id, id);
`;
