/**
 * The tables of actions of the tool `discord`: destructive ones, each with the way to take it back,
 * and messages that it posted beside the outbox.
 *
 * @module
 */

/** SQL for the tables of changes. A row of a change is there before the change is made. */
export const CHANGES = `
  CREATE TABLE discord_change (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- people name changes by it, so none comes again
    account_id TEXT NOT NULL,
    call_key   TEXT NOT NULL UNIQUE, -- of the call that made it
    turn_id    TEXT NOT NULL, -- message of the turn, which bounds their number
    asker_id   TEXT NOT NULL,
    guild_id   TEXT, -- NULL in direct messages
    channel_id TEXT, -- NULL for a change of the whole guild
    what       TEXT NOT NULL,
    undo       TEXT, -- JSON of UndoSteps; NULL if it cannot be taken back
    made_at    INTEGER NOT NULL,
    undone_at  INTEGER,
    undone_by  TEXT -- the call that took it back, which a crash may repeat
  ) STRICT;
  CREATE INDEX discord_change_of_turn ON discord_change (account_id, turn_id);
  CREATE INDEX discord_change_by_time ON discord_change (account_id, made_at);

  CREATE TABLE discord_post ( -- a message of the bot that is no row of the outbox, such as a poll
    account_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    asker_id   TEXT NOT NULL, -- whose message it is to change
    posted_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX discord_post_by_time ON discord_post (account_id, posted_at);
`;
