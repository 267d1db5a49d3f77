/**
 * Tables of people and names: resolved names of the config, pairing requests, paired people, and
 * wrong codes.
 *
 * @module
 */

/** SQL for the tables of resolved names and of pairing. */
export const PAIRING = `
  CREATE TABLE resolved_name (
    account_id TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('user', 'guild', 'channel')),
    typed      TEXT NOT NULL, -- as written in the config
    guild_id   TEXT NOT NULL DEFAULT '', -- of a channel
    found_id   TEXT NOT NULL,
    name       TEXT NOT NULL, -- at that time
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, kind, typed, guild_id, found_id) -- a denied name may mean several channels
  ) STRICT, WITHOUT ROWID;

  CREATE UNIQUE INDEX resolved_name_once ON resolved_name (account_id, kind, typed)
    WHERE kind <> 'channel';

  CREATE TABLE pairing_request (
    id             INTEGER PRIMARY KEY, -- in the order of asking
    account_id     TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    username       TEXT NOT NULL, -- as it was then
    channel_id     TEXT NOT NULL,
    message_id     TEXT NOT NULL, -- the challenged message
    code           TEXT NOT NULL,
    approve_button TEXT NOT NULL,
    deny_button    TEXT NOT NULL,
    state          TEXT NOT NULL DEFAULT 'pending'
      CHECK (state IN ('pending', 'approved', 'denied', 'expired')),
    is_reported        INTEGER NOT NULL DEFAULT 0, -- 1: the owners were notified
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    decided_at     INTEGER,
    decided_by     TEXT,
    UNIQUE (account_id, code)
  ) STRICT;
  CREATE UNIQUE INDEX pairing_request_pending ON pairing_request (account_id, user_id)
    WHERE state = 'pending';
  CREATE INDEX pairing_request_newest ON pairing_request (account_id, created_at);

  CREATE TABLE asked_guild ( -- guilds about which the owners were asked
    account_id TEXT NOT NULL,
    guild_id   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, guild_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE paired (
    account_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    username   TEXT NOT NULL, -- as it was then
    paired_at  INTEGER NOT NULL,
    paired_by  TEXT NOT NULL,
    PRIMARY KEY (account_id, user_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pairing_guess ( -- wrong codes since the last right one
    account_id TEXT PRIMARY KEY,
    wrong      INTEGER NOT NULL,
    closed_at  INTEGER -- when too many closed the check
  ) STRICT, WITHOUT ROWID;
`;
