/**
 * Tables of messages to send: the outbox with its files, parked channels, and the requests that
 * Discord counted as invalid.
 *
 * @module
 */

export const OUTBOX = `
  CREATE TABLE outbox (
    id               INTEGER PRIMARY KEY, -- in the order of sending
    account_id       TEXT NOT NULL,
    channel_id       TEXT NOT NULL,
    nonce            TEXT NOT NULL,
    state            TEXT NOT NULL DEFAULT 'pending' CHECK (state IN (
      'pending', 'sending', 'sent', 'uncertain', 'dead',
      'dropped',  -- its queue was full, or the operator gave it up
      'folded',   -- its words are in the message of folded_into
      'withdrawn' -- a draft that is not needed any more, and that was never tried
    )),
    kind             TEXT, -- these two as in the message, NULL of what answers no message
    cause_id         TEXT,
    action           TEXT NOT NULL DEFAULT 'post' CHECK (action IN ('post', 'replace', 'remove')),
    draft_nonce      TEXT, -- of the draft that it replaces or removes
    file_count       INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    first_attempt_at INTEGER,
    failing_since    INTEGER, -- no attempt has succeeded since
    message_id       TEXT, -- Discord's; NULL until sent, or if gone by then
    folded_into      INTEGER,
    refusal          TEXT, -- what Discord said last, if it refused; or why it is over
    message          TEXT NOT NULL, -- JSON of an OutboundMessage, frozen
    whole            TEXT, -- all of its answer, until it is sent
    UNIQUE (account_id, nonce)
  ) STRICT;
  CREATE INDEX outbox_unsent ON outbox (account_id, channel_id, id)
    WHERE state IN ('pending', 'sending');
  CREATE INDEX outbox_open ON outbox (state, created_at)
    WHERE state IN ('pending', 'sending', 'uncertain', 'dead');
  CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;
  CREATE INDEX outbox_cause ON outbox (cause_id) WHERE cause_id IS NOT NULL;

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

  CREATE TABLE parked_channel ( -- where Discord refuses, or refused a while ago
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    reason     TEXT NOT NULL,
    is_parked  INTEGER NOT NULL, -- 0: it is being tried again
    since      INTEGER NOT NULL, -- when it was told of
    refused_at INTEGER NOT NULL, -- last
    PRIMARY KEY (account_id, channel_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE invalid_request ( -- of the last minutes
    account_id TEXT NOT NULL,
    minute     INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (account_id, minute)
  ) STRICT, WITHOUT ROWID;
`;
