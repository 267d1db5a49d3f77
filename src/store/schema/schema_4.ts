/**
 * The fourth schema: what verdicts were made from, verdicts that wait, pairing,
 * and names that were found to be ids.
 *
 * An older verdict says why, and not what from: its facts were never kept.
 *
 * @module
 */

export const SCHEMA_4 = `
  ALTER TABLE decision ADD COLUMN fact_row INTEGER; -- that it was made from
  ALTER TABLE decision ADD COLUMN policy_row INTEGER; -- that judged it

  CREATE TABLE fact ( -- what verdicts were made from; many share a row
    id         INTEGER PRIMARY KEY, -- in the order of making
    generation INTEGER NOT NULL, -- the first of the rows that grow old with it
    facts      TEXT NOT NULL -- JSON of core Facts: no words of anybody
  ) STRICT;

  CREATE TABLE policy ( -- as it was written, one row for each that judged
    id         INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    hash       TEXT NOT NULL, -- of all that it says
    file       TEXT,
    text       TEXT, -- of the config file, with its secrets blanked
    names      TEXT NOT NULL, -- JSON of ResolvedNames
    made_at    INTEGER NOT NULL,
    used_at    INTEGER NOT NULL, -- when it came into force last
    UNIQUE (account_id, hash)
  ) STRICT;

  CREATE TABLE undecided ( -- until the fact is there that their verdict waits for
    id          INTEGER PRIMARY KEY, -- in the order of arrival
    account_id  TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    why         TEXT NOT NULL,
    agent_id    TEXT, -- these two are set together: who would answer
    session_key TEXT,
    message     TEXT NOT NULL, -- JSON of an InboundMessage
    moment      TEXT, -- JSON of a Moment
    policy_row  INTEGER,
    at          INTEGER NOT NULL,
    UNIQUE (account_id, message_id)
  ) STRICT;

  CREATE TABLE pairing_request (
    id             INTEGER PRIMARY KEY, -- in the order of asking
    account_id     TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    username       TEXT NOT NULL, -- as it was then
    channel_id     TEXT NOT NULL,
    message_id     TEXT NOT NULL, -- that was challenged
    code           TEXT NOT NULL,
    approve_button TEXT NOT NULL,
    deny_button    TEXT NOT NULL,
    state          TEXT NOT NULL DEFAULT 'pending'
      CHECK (state IN ('pending', 'approved', 'denied', 'expired')),
    is_told        INTEGER NOT NULL DEFAULT 0, -- whether the owners were
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    decided_at     INTEGER,
    decided_by     TEXT,
    UNIQUE (account_id, code)
  ) STRICT;
  CREATE UNIQUE INDEX pairing_request_pending ON pairing_request (account_id, user_id)
    WHERE state = 'pending';
  CREATE INDEX pairing_request_newest ON pairing_request (account_id, created_at);

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
    closed_at  INTEGER -- when there were too many of them
  ) STRICT, WITHOUT ROWID;

  -- A history does not tell a group from a person.
  ALTER TABLE direct_channel ADD COLUMN is_group INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE proxied_user ( -- whom PluralKit has spoken for
    account_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    at         INTEGER NOT NULL, -- last
    PRIMARY KEY (account_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX proxied_user_newest ON proxied_user (account_id, at);

  CREATE TABLE resolved_name (
    account_id TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('user', 'guild', 'channel')),
    typed      TEXT NOT NULL, -- as it is written in the config
    guild_id   TEXT NOT NULL DEFAULT '', -- of a channel
    found_id   TEXT NOT NULL,
    name       TEXT NOT NULL, -- as it was when it was found
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, kind, typed, guild_id)
  ) STRICT, WITHOUT ROWID;

  -- Each account claims its own messages.
  DROP INDEX inbox_waiting;
  CREATE INDEX inbox_waiting ON inbox (account_id, id) WHERE state = 'waiting';
  CREATE INDEX inbox_failure ON inbox (failure_id) WHERE failure_id IS NOT NULL;

  -- All that a message was answered with, its drafts among it.
  DROP INDEX outbox_draft;
  CREATE INDEX outbox_cause ON outbox (cause_id) WHERE cause_id IS NOT NULL;
`;
