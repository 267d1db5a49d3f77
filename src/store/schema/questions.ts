/**
 * Tables of questions to people, and of the messages that show them (A1, T10).
 *
 * A turn is parked as long as one of its questions is open. So a decision is one change of one row:
 * after it, the turn can be claimed again, in any process.
 *
 * @module
 */

/** SQL for the tables of questions. */
export const QUESTIONS = `
  CREATE TABLE question (
    id         INTEGER PRIMARY KEY, -- in the order of asking
    account_id TEXT NOT NULL,
    message_id TEXT NOT NULL, -- of the parked turn
    channel_id TEXT NOT NULL, -- of the parked turn
    guild_id   TEXT,
    asker_id   TEXT NOT NULL, -- the sender of the message
    call_key   TEXT NOT NULL UNIQUE, -- of the call that waits
    code       TEXT NOT NULL UNIQUE, -- for people
    question   TEXT NOT NULL, -- JSON of a Question
    state      TEXT NOT NULL DEFAULT 'open'
      CHECK (state IN ('open', 'answered', 'expired', 'withdrawn')),
    answer     TEXT, -- JSON of a QuestionAnswer
    decided_by TEXT, -- NULL: no person of Discord
    decided_at INTEGER,
    has_cards  INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX question_open ON question (message_id) WHERE state = 'open';
  CREATE INDEX question_answered ON question (message_id) WHERE state = 'answered';
  CREATE INDEX question_expiry ON question (account_id, expires_at) WHERE state = 'open';
  CREATE INDEX question_decided ON question (decided_at) WHERE decided_at IS NOT NULL;

  CREATE TABLE question_cover ( -- another call that waits for a question
    call_key     TEXT PRIMARY KEY,
    question_row INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX question_cover_of ON question_cover (question_row);

  CREATE TABLE question_card ( -- a message that shows a question
    id           INTEGER PRIMARY KEY,
    question_row INTEGER NOT NULL,
    account_id   TEXT NOT NULL,
    channel_id   TEXT NOT NULL,
    nonce        TEXT NOT NULL, -- of its row in the outbox
    is_settled   INTEGER NOT NULL DEFAULT 0 -- 1: the outbox has its last text
  ) STRICT;
  CREATE INDEX question_card_of ON question_card (question_row);
  CREATE INDEX question_card_open ON question_card (account_id) WHERE is_settled = 0;

  CREATE TABLE question_control ( -- a button or a menu of a card
    custom_id TEXT PRIMARY KEY,
    card_row  INTEGER NOT NULL,
    choice    TEXT NOT NULL -- 'form': it opens the question's form; 'menu': the person chooses
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX question_control_of ON question_control (card_row);

  CREATE TABLE exec_rule ( -- a command that a person has allowed for good
    id           INTEGER PRIMARY KEY,
    agent_id     TEXT NOT NULL,
    path         TEXT NOT NULL, -- real path of the program
    content_hash TEXT NOT NULL, -- SHA-256 of its content
    cwd          TEXT NOT NULL, -- the folder that it runs in
    files_hash   TEXT NOT NULL, -- SHA-256 over the files that arguments name
    args         TEXT NOT NULL, -- JSON: the exact arguments
    allowed_by   TEXT, -- NULL: a person with access to the host
    allowed_at   INTEGER NOT NULL,
    UNIQUE (agent_id, path, content_hash, cwd, files_hash, args)
  ) STRICT;

  CREATE TRIGGER question_lost_turn AFTER UPDATE OF finished_at ON inbox
    WHEN NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
  BEGIN
    UPDATE question SET state = 'withdrawn', decided_at = NEW.finished_at
    WHERE message_id = COALESCE(NEW.turn_of, NEW.message_id) AND state = 'open';
  END;

  CREATE TRIGGER question_edited_turn AFTER UPDATE OF message ON inbox
    WHEN NEW.finished_at IS NULL
  BEGIN
    UPDATE question SET state = 'withdrawn', decided_at = NEW.accepted_at
    WHERE message_id = COALESCE(NEW.turn_of, NEW.message_id) AND state = 'open';
  END;
`;

/** The files that people have uploaded in forms of a message's turn: JSON of a list. */
export const UPLOADED_FILES = `(
  SELECT json_group_array(json(f.value))
  FROM question AS q, json_each(q.answer, '$.fields') AS a, json_each(a.value, '$.files') AS f
  WHERE q.state = 'answered' AND q.message_id = inbox.message_id
)`;

/** Condition of rows of `inbox` whose turn is parked. */
export const IS_PARKED = `EXISTS (
  SELECT 1 FROM question AS q
  WHERE q.state = 'open' AND q.message_id = COALESCE(inbox.turn_of, inbox.message_id)
)`;
