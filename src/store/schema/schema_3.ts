/**
 * The third schema: files and drafts on their way out, queues that overflow,
 * channels that are parked, and invalid requests.
 *
 * The outbox is built anew, because its states are checked. An older message
 * said only what its answer begins with; the messages behind it in its channel,
 * up to the next one that says so, are the same answer's.
 *
 * @module
 */

export const SCHEMA_3 = `
  CREATE TABLE outbox_3 (
    id               INTEGER PRIMARY KEY, -- in the order of sending
    account_id       TEXT NOT NULL,
    channel_id       TEXT NOT NULL,
    nonce            TEXT NOT NULL,
    state            TEXT NOT NULL DEFAULT 'pending' CHECK (state IN (
      'pending', 'sending', 'sent', 'uncertain', 'dead',
      'dropped',  -- its queue was full, or the operator gave it up
      'folded',   -- its words are in the message of folded_into
      'withdrawn' -- a draft that nobody needs any more, and that was never tried
    )),
    kind             TEXT, -- these two as in the message, NULL of what answers nobody
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
  WITH
    told AS (
      SELECT id, account_id, channel_id, message ->> '$.answers' AS answers,
             COUNT(message ->> '$.answers') OVER in_order AS answer
      FROM outbox
      WINDOW in_order AS (PARTITION BY account_id, channel_id ORDER BY id)
    ),
    placed AS (
      SELECT id, MAX(answers) OVER whole_answer AS cause,
             ROW_NUMBER() OVER (whole_answer ORDER BY id) - 1 AS part,
             COUNT(*) OVER whole_answer AS parts
      FROM told
      WINDOW whole_answer AS (PARTITION BY account_id, channel_id, answer)
    )
  INSERT INTO outbox_3 (id, account_id, channel_id, nonce, state, kind, cause_id, created_at,
                        first_attempt_at, message_id, refusal, message)
    SELECT o.id, o.account_id, o.channel_id, o.nonce, o.state,
           IIF(p.cause IS NULL, NULL, 'reply'), p.cause, o.created_at,
           o.first_attempt_at, o.message_id, o.refusal,
           IIF(p.cause IS NULL, o.message, json_patch(
             json_remove(o.message, '$.answers'),
             json_object(
               'guildId', i.message ->> '$.guildId', -- a NULL adds nothing
               'of', json_object(
                 'cause', p.cause,
                 'revision', COALESCE(i.message ->> '$.revision', 0),
                 'agentId', i.agent_id,
                 'kind', 'reply',
                 'part', p.part,
                 'parts', p.parts
               )
             )
           ))
    FROM outbox o
    JOIN placed p ON p.id = o.id
    LEFT JOIN inbox i ON i.message_id = p.cause;
  DROP TABLE outbox;
  ALTER TABLE outbox_3 RENAME TO outbox;
  CREATE INDEX outbox_unsent ON outbox (account_id, channel_id, id)
    WHERE state IN ('pending', 'sending');
  CREATE INDEX outbox_open ON outbox (state, created_at)
    WHERE state IN ('pending', 'sending', 'uncertain', 'dead');
  CREATE INDEX outbox_draft ON outbox (account_id, cause_id) WHERE kind = 'draft';
  CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;

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
