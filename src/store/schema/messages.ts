/**
 * Tables of messages: received ones with their turns, the verdicts about them, and those to send.
 */

import {
  account,
  type DeclaredTable,
  flag,
  IN,
  initially,
  integer,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
} from "./columns.ts";

/** SQL for the tables of received messages. */
export const RECEIVED = `
  CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY, -- in the order of arrival
    message_id  TEXT NOT NULL UNIQUE, -- across accounts: only one of them answers
    account_id  TEXT NOT NULL,
    channel_id  TEXT NOT NULL,
    agent_id    TEXT NOT NULL,
    session_key TEXT NOT NULL,
    message     TEXT NOT NULL, -- JSON of an InboundMessage
    state       TEXT NOT NULL DEFAULT 'waiting'
      CHECK (state IN ('waiting', 'running', 'answered', 'declined', 'refused', 'failed',
                       'cancelled', -- deleted, or edited into a message that gets no answer
                       'stopped', 'interrupted')),
    attempt     INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL,
    claimed_at  INTEGER,
    finished_at INTEGER,
    failure_id  TEXT, -- id in the notice to the sender
    failure     TEXT, -- reason, for the operator
    turn_of     TEXT, -- the message that its turn began with; NULL: this one
    reply_to    TEXT, -- the message that the turn's reply belongs to; NULL: this one
    change      TEXT CHECK (change IN ('edited', 'deleted')), -- after its end, at changed_at
    changed_at  INTEGER,
    cost        TEXT -- JSON of a TurnCost
  ) STRICT;
  CREATE INDEX inbox_turn ON inbox (turn_of) WHERE turn_of IS NOT NULL;
  CREATE INDEX inbox_open ON inbox (state, id) WHERE finished_at IS NULL;
  CREATE INDEX inbox_failure ON inbox (failure_id) WHERE failure_id IS NOT NULL;

  CREATE TABLE told_full ( -- senders and channels that know that too many of their turns wait
    account_id TEXT NOT NULL,
    list       TEXT NOT NULL CHECK (list IN ('user', 'channel')),
    id         TEXT NOT NULL, -- of the user or the channel
    PRIMARY KEY (account_id, list, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE entry (
    id          INTEGER PRIMARY KEY, -- in the order of the transcript
    agent_id    TEXT NOT NULL,
    session_key TEXT NOT NULL,
    channel_id  TEXT NOT NULL, -- channel of the turn
    role        TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
    text        TEXT NOT NULL,
    calls       TEXT, -- JSON: the tool calls of an answer; the call of a tool's result
    message_id  TEXT NOT NULL,
    at          INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entry_in_session ON entry (session_key, id, role, channel_id, message_id);
  CREATE INDEX entry_of_message ON entry (message_id) WHERE role = 'user';

  CREATE TABLE checkpoint ( -- entries up to it are not shown to the model any more; they all stay
    id          INTEGER PRIMARY KEY, -- in the order of storing
    agent_id    TEXT NOT NULL,
    session_key TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('reset', 'summary')),
    cause       TEXT NOT NULL, -- 'daily', 'idle' or 'command'; 'full', 'refused' or 'command'
    first_entry INTEGER NOT NULL, -- of its own range; earlier checkpoints have earlier ranges
    last_entry  INTEGER NOT NULL,
    entries     INTEGER NOT NULL, -- number of entries of the range
    message_ids TEXT NOT NULL, -- JSON: ids of the messages of the range
    boundary    TEXT, -- set together, for a summary: boundary of its fence
    summary     TEXT, -- of everything since the last reset
    model_id    TEXT,
    at          INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX checkpoint_of_session ON checkpoint (session_key, id);

  CREATE TABLE step ( -- steps of turns that call tools; results are whole here
    id         INTEGER PRIMARY KEY, -- in the order of the turn
    account_id TEXT NOT NULL,
    message_id TEXT NOT NULL, -- the answered message
    attempt    INTEGER NOT NULL, -- number of the turn that took the step
    step       TEXT NOT NULL, -- JSON of a Step
    at         INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX step_of_turn ON step (message_id, id);

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

/** A channel or thread with known messages. */
export const KNOWN_CHANNEL = table("known_channel", {
  id: rowNumber(true), // messages name it
  accountId: account(),
  guildId: snowflake<"guild">(),
  channelId: snowflake<"channel">(), // GONE: its messages are to be deleted
  parentId: snowflake<"channel">(), // of a thread its channel; else the same id
}, {
  sql: "CREATE INDEX known_channel_of ON known_channel (channel_id, account_id);",
  isOfBot: true,
  forgets: "Discord sends the ids of channels again",
});

/** Number of no channel: the message is deleted, and its row and its words go in a later step. */
export const GONE = 0;

/** SQL for the messages, and for the index of their words. */
export const KNOWN_MESSAGES = `
  CREATE TABLE known_message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of arrival
    channel    INTEGER NOT NULL, -- row of known_channel; 0: deleted
    message_id TEXT NOT NULL,
    author_id  TEXT NOT NULL,
    reply_to   TEXT, -- the message that it replies to
    text       TEXT NOT NULL
  ) STRICT;
  CREATE INDEX known_message_of ON known_message (message_id, channel);
  CREATE INDEX known_message_in ON known_message (channel);
  CREATE INDEX known_reply ON known_message (reply_to) WHERE reply_to IS NOT NULL;

  CREATE VIRTUAL TABLE known_words USING fts5(
    words, content = '', detail = 'none', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 0'
  );
  INSERT INTO known_words (known_words, rank) VALUES ('secure-delete', 1);
  CREATE TABLE known_index (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    up_to INTEGER NOT NULL -- the index has all messages up to it
  ) STRICT;
  INSERT INTO known_index (id, up_to) VALUES (1, 0);
`;

/** The declared tables of this topic. */
export const KNOWN_TABLES: readonly DeclaredTable[] = [KNOWN_CHANNEL];

// Tables of verdicts, of the policies that made them, and of undecided messages.

/** SQL for the tables of verdicts, policies and undecided messages. */
export const JUDGED = `
  CREATE TABLE policy ( -- as written, one row for each policy that judged
    id         INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    hash       TEXT NOT NULL, -- of its whole content
    file       TEXT,
    text       TEXT, -- of the config file, with its secrets blanked
    names      TEXT NOT NULL, -- JSON of ResolvedNames
    made_at    INTEGER NOT NULL,
    used_at    INTEGER NOT NULL, -- when it last came into force
    UNIQUE (account_id, hash)
  ) STRICT;

  CREATE TABLE decision ( -- verdicts, one row for each message and account
    id         INTEGER PRIMARY KEY, -- in the order of deciding
    message_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    author_id  TEXT NOT NULL,
    verdict    TEXT NOT NULL, -- 'forgotten': only the message's id is left, for catch-up
    why        TEXT NOT NULL,
    rule       TEXT NOT NULL,
    policy_row INTEGER, -- policy that judged; NULL if none was stored
    facts      TEXT, -- JSON of core Facts, without words
    at         INTEGER NOT NULL,
    UNIQUE (message_id, account_id)
  ) STRICT;
  CREATE INDEX decision_run ON decision (facts ->> '$.knownFacts.triggered.messageId')
    WHERE why = 'triggered';

  CREATE TABLE undecided ( -- messages whose verdict waits for a fact
    id          INTEGER PRIMARY KEY, -- in the order of arrival
    account_id  TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    why         TEXT NOT NULL,
    agent_id    TEXT, -- set together: agent and session of its turn
    session_key TEXT,
    message     TEXT NOT NULL, -- JSON of an InboundMessage
    known_facts TEXT, -- JSON of KnownFacts
    policy_row  INTEGER,
    at          INTEGER NOT NULL,
    UNIQUE (account_id, message_id)
  ) STRICT;

  CREATE TABLE proxied_user ( -- users for whom PluralKit has posted
    account_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    at         INTEGER NOT NULL, -- last
    PRIMARY KEY (account_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX proxied_user_newest ON proxied_user (account_id, at);
`;

// Tables of messages to send: the outbox with its files, channels that refuse messages or files,
// and the requests that Discord counted as invalid.

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

/** A message without an answer whose sender does not know it yet (X4). */
export const UNANSWERED = table("unanswered", {
  accountId: account(),
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  guildId: optional(snowflake<"guild">()),
  authorId: snowflake<"user">(),
  why: oneOf("queue-full", "too-old", "too-many", "refused"),
  isUnmarkable: initially(flag(), false), // Discord refused the mark
  at: integer(),
}, {
  key: ["accountId", "messageId"],
  sql: "CREATE INDEX unanswered_oldest ON unanswered (at);",
  isOfBot: true,
  forgets: { delete: `author_id = :userId OR ${IN("message_id", "messages")}` },
});
