/**
 * Tables of messages to send: the outbox with its files, channels that refuse messages or files,
 * and the requests that Discord counted as invalid.
 */

/** SQL for the tables of messages to send, and of refusals. */
export const OUTBOX = `
  CREATE TABLE outbox (
    id               INTEGER PRIMARY KEY, -- in the order of sending
    account_id       TEXT NOT NULL,
    channel_id       TEXT NOT NULL,
    nonce            TEXT NOT NULL,
    state            TEXT NOT NULL DEFAULT 'pending' CHECK (state IN (
      'pending', 'sending', 'sent', 'uncertain', 'dead',
      'dropped',  -- its queue was full, or the operator gave it up
      'folded',   -- the row folded_into has its text
      'withdrawn' -- an untried draft, or a folded message that was taken apart: not needed any more
    )),
    kind             TEXT, -- both from the message; NULL if it answers no message
    cause_id         TEXT,
    action           TEXT NOT NULL DEFAULT 'post' CHECK (action IN ('post', 'replace', 'remove')),
    draft_nonce      TEXT, -- of the draft that it replaces or removes
    file_count       INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    first_attempt_at INTEGER,
    failing_since    INTEGER, -- no attempt has succeeded since
    next_attempt_at  INTEGER, -- after a failure; NULL while an attempt runs
    message_id       TEXT, -- Discord's; NULL until sent, or if deleted by then
    folded_into      INTEGER,
    refusal          TEXT, -- Discord's last refusal, or why the row was given up
    message          TEXT NOT NULL, -- JSON of an OutboundMessage, frozen
    whole            TEXT, -- text of the whole answer, until it is sent
    UNIQUE (account_id, nonce)
  ) STRICT;
  CREATE INDEX outbox_unsent ON outbox (account_id, channel_id, id)
    WHERE state IN ('pending', 'sending');
  CREATE INDEX outbox_open ON outbox (state, created_at)
    WHERE state IN ('pending', 'sending', 'uncertain', 'dead');
  CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;
  CREATE INDEX outbox_cause ON outbox (cause_id) WHERE cause_id IS NOT NULL;
  CREATE INDEX outbox_folded ON outbox (folded_into) WHERE folded_into IS NOT NULL;

  CREATE TABLE outbox_file ( -- until its message is sent
    outbox_row   INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    account_id   TEXT NOT NULL,
    name         TEXT NOT NULL,
    alt          TEXT,
    content_type TEXT,
    bytes        BLOB NOT NULL,
    PRIMARY KEY (outbox_row, position)
  ) STRICT;

  CREATE TABLE parked_channel ( -- channels in which Discord refuses, or refused recently
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    reason     TEXT NOT NULL,
    is_parked  INTEGER NOT NULL, -- 0: it is being tried again
    since      INTEGER NOT NULL, -- when the operator was notified
    refused_at INTEGER NOT NULL, -- last
    next_try_at INTEGER NOT NULL, -- at the latest
    PRIMARY KEY (account_id, channel_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE fileless_channel ( -- channels in which the bot may not attach files
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    told_at    INTEGER NOT NULL, -- when the owners were last notified
    PRIMARY KEY (account_id, channel_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE invalid_request ( -- of the last minutes
    account_id TEXT NOT NULL,
    minute     INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (account_id, minute)
  ) STRICT, WITHOUT ROWID;
`;
