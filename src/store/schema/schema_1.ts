/**
 * The first schema, as it was released: a change to a table is a new migration,
 * never a change here.
 *
 * Ids are TEXT and times INTEGER, Unix time in milliseconds. A snowflake has
 * more bits than a number of JavaScript holds, and numbers in text sort as
 * numbers only after their length: hence `digits`, and `length(message_id)`.
 *
 * @module
 */

export const SCHEMA_1 = `
  CREATE TABLE account (
    account_id     TEXT PRIMARY KEY,
    user_id        TEXT, -- who we are at Discord; these three are set together, by T0
    application_id TEXT,
    username       TEXT,
    peer           TEXT, -- which server and token all of this is of
    gateway_url    TEXT, -- as Discord named it last, to be tried first
    gateway_url_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE gateway_session (
    account_id    TEXT PRIMARY KEY,
    session_id    TEXT, -- NULL: nothing to resume; these four are set together, by T0
    resume_url    TEXT,
    seq           INTEGER,
    started_at    INTEGER,
    alive_at      INTEGER NOT NULL, -- when the gateway was heard of last
    stored_up_to  INTEGER NOT NULL, -- when the newest stored message was sent
    catch_up_from INTEGER -- stored_up_to as it was when a gap opened that is not closed yet
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE guild (
    account_id TEXT NOT NULL,
    guild_id   TEXT NOT NULL,
    snapshot   TEXT NOT NULL, -- discord/gateway/ alone reads it
    PRIMARY KEY (account_id, guild_id)
  ) STRICT;

  CREATE TABLE decision (
    id         INTEGER PRIMARY KEY, -- in the order of deciding
    account_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    author_id  TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    why        TEXT NOT NULL,
    rule       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    UNIQUE (message_id, account_id)
  ) STRICT;

  CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY, -- in the order of arrival
    message_id  TEXT NOT NULL UNIQUE, -- whatever the account: one of them answers
    account_id  TEXT NOT NULL,
    channel_id  TEXT NOT NULL,
    agent_id    TEXT NOT NULL,
    session_key TEXT NOT NULL,
    message     TEXT NOT NULL, -- JSON of an InboundMessage
    state       TEXT NOT NULL DEFAULT 'waiting'
      CHECK (state IN ('waiting', 'running', 'answered', 'declined', 'failed')),
    attempt     INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL,
    claimed_at  INTEGER,
    finished_at INTEGER,
    failure_id  TEXT, -- what the person was told
    failure     TEXT  -- what the operator may read
  ) STRICT;
  CREATE INDEX inbox_waiting ON inbox (id) WHERE state = 'waiting';
  CREATE UNIQUE INDEX inbox_running ON inbox (session_key) WHERE state = 'running';

  CREATE TABLE message ( -- what was overheard, a channel's side by side
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    digits     INTEGER NOT NULL, -- of message_id
    message_id TEXT NOT NULL,
    author_id  TEXT NOT NULL,
    tag        TEXT NOT NULL,
    text       TEXT NOT NULL,
    reply_to   TEXT,
    sent_at    INTEGER NOT NULL,
    kept_at    INTEGER NOT NULL,
    PRIMARY KEY (account_id, channel_id, digits, message_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE entry (
    id          INTEGER PRIMARY KEY, -- in the order of the transcript
    agent_id    TEXT NOT NULL,
    session_key TEXT NOT NULL,
    channel_id  TEXT NOT NULL, -- where the turn was asked for
    role        TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    text        TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    at          INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entry_in_session ON entry (session_key, id);
  CREATE INDEX entry_in_channel
    ON entry (session_key, channel_id, length(message_id), message_id);

  CREATE TABLE outbox (
    id               INTEGER PRIMARY KEY, -- in the order of sending
    account_id       TEXT NOT NULL,
    channel_id       TEXT NOT NULL,
    nonce            TEXT NOT NULL,
    message          TEXT NOT NULL, -- JSON of an OutboundMessage, frozen
    state            TEXT NOT NULL DEFAULT 'pending'
      CHECK (state IN ('pending', 'sending', 'sent', 'uncertain', 'dead')),
    created_at       INTEGER NOT NULL,
    first_attempt_at INTEGER,
    message_id       TEXT, -- Discord's; NULL until sent, or if gone by then
    refusal          TEXT, -- what Discord said last, if it refused
    UNIQUE (account_id, nonce)
  ) STRICT;
  CREATE INDEX outbox_unsent ON outbox (account_id, channel_id, id)
    WHERE state IN ('pending', 'sending');
  CREATE INDEX outbox_open ON outbox (state, created_at) WHERE state <> 'sent';
`;
