/**
 * Tables of verdicts, of the policies that made them, and of undecided messages.
 *
 * Verdicts of one transaction share a row of `verdict_block`. Verdicts that agree in everything but
 * the message share a row of `fact`. The view `decision` shows verdicts one by one.
 */

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

  CREATE TABLE fact ( -- a verdict with its facts; many messages share a row
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
