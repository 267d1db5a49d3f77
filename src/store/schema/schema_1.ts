/**
 * The tables of the store.
 *
 * Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or
 * 1. A transaction of the way that every answered message takes is one row of the
 * journal first, and many of them together change the tables a moment later
 * (`commits.ts`). Verdicts of one transaction share a row of `verdict_block`, and
 * verdicts that agree in everything but the message share a row of `fact`; the view
 * `decision` shows them one by one. Overheard messages of a channel that were stored
 * together share a row of `message_block`, and the view `message` shows them one by
 * one: a row and its index entries for each message would cost more than all else
 * that an ignored message needs.
 *
 * @module
 */

const GATEWAY = `
  CREATE TABLE account (
    account_id           TEXT PRIMARY KEY,
    user_id              TEXT, -- the bot's own; these three are set together, by T0
    application_id       TEXT,
    username             TEXT,
    peer                 TEXT, -- which server and token all of this is of
    gateway_url          TEXT, -- as Discord named it last, to be tried first
    gateway_url_at       INTEGER,
    shard_count          INTEGER, -- NULL: never connected
    flags                INTEGER, -- the application's, with when they were read
    flags_at             INTEGER,
    intents              INTEGER, -- with which its sessions were begun
    ready_at             INTEGER, -- when a session was last seen to live
    probes               INTEGER, -- how many writes were tried
    recommended_shards   INTEGER, -- these as /gateway/bot said last, set together
    limit_total          INTEGER,
    limit_remaining      INTEGER,
    limit_reset_after_ms INTEGER,
    limit_max_concurrency INTEGER,
    limit_read_at        INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE gateway_session (
    account_id    TEXT NOT NULL,
    shard_id      INTEGER NOT NULL,
    session_id    TEXT, -- NULL: nothing to resume; these four are set together, by T0
    resume_url    TEXT,
    seq           INTEGER,
    started_at    INTEGER,
    alive_at      INTEGER NOT NULL, -- when the gateway was heard of last
    stored_up_to  INTEGER NOT NULL, -- when the newest stored message was sent
    catch_up_from INTEGER, -- stored_up_to as it was when a gap opened that is not closed yet
    lost_at       INTEGER, -- when the newest loss of that gap was discovered
    has_hole      INTEGER NOT NULL DEFAULT 0, -- 1: the session lacks events; a new one is due
    PRIMARY KEY (account_id, shard_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE identify ( -- each one that was allowed
    id         INTEGER PRIMARY KEY, -- in the order of asking
    account_id TEXT NOT NULL,
    shard_id   INTEGER NOT NULL,
    at         INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX identify_of_account ON identify (account_id, at);

  CREATE TABLE guild (
    account_id TEXT NOT NULL,
    guild_id   TEXT NOT NULL,
    snapshot   TEXT NOT NULL, -- discord/gateway/ alone reads it
    PRIMARY KEY (account_id, guild_id)
  ) STRICT;

  CREATE TABLE direct_channel ( -- where a person was ever accepted outside of a guild
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    active_at  INTEGER NOT NULL,
    is_group   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, channel_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE run ( -- of the process, for all accounts
    id         INTEGER PRIMARY KEY, -- in the order of starting
    run_id     TEXT NOT NULL UNIQUE,
    boot_id    TEXT, -- of the machine
    started_at INTEGER NOT NULL,
    alive_at   INTEGER NOT NULL,
    ending     TEXT -- NULL: it runs, or was killed
  ) STRICT;
`;

export const JOURNAL = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- which module's record it is
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables did not take it; kept for the operator
  ) STRICT;
`;

const RECEIVED = `
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
    failure     TEXT -- what the operator may read
  ) STRICT;
  CREATE INDEX inbox_open ON inbox (state, id) WHERE finished_at IS NULL;
  CREATE INDEX inbox_failure ON inbox (failure_id) WHERE failure_id IS NOT NULL;

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

  CREATE TABLE message_block ( -- overheard messages of one channel, stored together
    id         INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    sent_from  INTEGER NOT NULL, -- when the oldest and the newest of the messages were sent,
    sent_to    INTEGER NOT NULL, -- as their ids say
    count      INTEGER NOT NULL,
    kept_at    INTEGER NOT NULL,
    messages   TEXT NOT NULL -- JSON: [message id, author's id, tag, text, sent_at, reply_to?]
  ) STRICT;
  CREATE INDEX message_block_in_channel
    ON message_block (account_id, channel_id, sent_to, sent_from, count);

  CREATE VIEW message AS
    SELECT b.id AS block, b.account_id, b.channel_id, length(v.value ->> 0) AS digits,
           v.value ->> 0 AS message_id, v.value ->> 1 AS author_id, v.value ->> 2 AS tag,
           v.value ->> 3 AS text, v.value ->> 5 AS reply_to, v.value ->> 4 AS sent_at, b.kept_at
    FROM message_block AS b CROSS JOIN json_each(b.messages) AS v;
`;

const JUDGED = `
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

  CREATE TABLE fact ( -- a verdict and what it was made from; many messages share a row
    id         INTEGER PRIMARY KEY, -- in the order of insertion
    generation INTEGER NOT NULL, -- first row of the group that is deleted together
    channel_id TEXT NOT NULL,
    author_id  TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    why        TEXT NOT NULL,
    rule       TEXT NOT NULL,
    policy_row INTEGER, -- policy that judged; NULL if none was stored
    facts      TEXT -- JSON of core Facts, without words
  ) STRICT;

  CREATE TABLE verdict_block ( -- verdicts of one account, stored together
    id         INTEGER PRIMARY KEY, -- number of the first verdict; the others count on
    count      INTEGER NOT NULL, -- of numbers, removed verdicts included
    account_id TEXT NOT NULL,
    sent_from  INTEGER NOT NULL, -- when the oldest and the newest of the messages were sent,
    sent_to    INTEGER NOT NULL, -- as their ids say
    at         INTEGER NOT NULL,
    verdicts   TEXT NOT NULL -- JSON: [message id, row of fact], or null once removed
  ) STRICT;
  CREATE INDEX verdict_block_sent ON verdict_block (sent_to, sent_from);

  CREATE VIEW decision AS
    SELECT b.id + v.key AS id, b.id AS block, b.sent_from, b.sent_to, b.account_id,
           v.value ->> 0 AS message_id, f.channel_id, f.author_id, f.verdict, f.why, f.rule, b.at,
           f.id AS fact_row, f.facts, f.policy_row
    FROM verdict_block AS b
    CROSS JOIN json_each(b.verdicts) AS v
    CROSS JOIN fact AS f ON f.id = v.value ->> 1
    WHERE v.type = 'array';

  CREATE TABLE undecided ( -- until the fact is there that their verdict waits for
    id          INTEGER PRIMARY KEY, -- in the order of arrival
    account_id  TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    why         TEXT NOT NULL,
    agent_id    TEXT, -- these two are set together: which agent would answer
    session_key TEXT,
    message     TEXT NOT NULL, -- JSON of an InboundMessage
    moment      TEXT, -- JSON of a Moment
    policy_row  INTEGER,
    at          INTEGER NOT NULL,
    UNIQUE (account_id, message_id)
  ) STRICT;

  CREATE TABLE proxied_user ( -- for whom PluralKit has spoken
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
`;

const PAIRING = `
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
`;

const OUTBOX = `
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

export const SCHEMA_1 = [GATEWAY, JOURNAL, RECEIVED, JUDGED, PAIRING, OUTBOX].join("");
