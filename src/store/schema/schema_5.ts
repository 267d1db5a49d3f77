/**
 * The fifth schema: a journal, and verdicts and overheard messages in blocks.
 *
 * A transaction of the way that every answered message takes is one row of the
 * journal first, and many of them together change the tables a moment later
 * (`commits.ts`). Which message is next is decided in memory (`claim_queue.ts`), so
 * the inbox needs one index of its open rows instead of three.
 *
 * A row and two index entries for each message cost more than all else that an
 * ignored message needs. Now the verdicts of one transaction share a row, and
 * verdicts that agree in everything but the message share a row of `fact`.
 * The view `decision` shows them one by one, as the table of that name was. Overheard messages of a
 * channel that were stored together share a row, too, and the view `message` shows them one by one.
 *
 * @module
 */

/** Verdicts of a block that the migration makes, at most. */
const BLOCK_MAX = 256;
/** Overheard messages of a block that the migration makes, at most. */
const MESSAGES_MAX = 64;
/** SQL for the time at which Discord made an id, Unix time in milliseconds. */
const SENT_AT = "(CAST(message_id AS INTEGER) >> 22) + 1420070400000";

export const JOURNAL = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- which module's record it is
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables did not take it; kept for the operator
  ) STRICT;
`;

export const SCHEMA_5 = `${JOURNAL}
  ALTER TABLE gateway_session
    ADD COLUMN has_hole INTEGER NOT NULL DEFAULT 0; -- 1: the session lacks events; a new one is due

  DROP INDEX inbox_waiting;
  DROP INDEX inbox_waiting_in_session;
  DROP INDEX inbox_running;
  CREATE INDEX inbox_open ON inbox (state, id) WHERE finished_at IS NULL;

  ALTER TABLE decision RENAME TO decision_before;
  ALTER TABLE fact RENAME TO fact_before;

  CREATE TABLE fact ( -- a verdict and what it was made from; many messages share a row
    id         INTEGER PRIMARY KEY, -- in the order of insertion
    generation INTEGER NOT NULL, -- first row of the group that is deleted together
    channel_id TEXT NOT NULL,
    author_id  TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    why        TEXT NOT NULL,
    rule       TEXT NOT NULL,
    policy_row INTEGER, -- policy that judged; NULL if none was stored
    facts      TEXT -- JSON of core Facts, without words; NULL for verdicts of schemas 1 to 3
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

  -- By the columns that are numbers first: text is compared only where they are equal.
  CREATE TEMP TABLE ranked AS
    SELECT id, fact_row AS fact_before, DENSE_RANK() OVER (
             ORDER BY fact_row, policy_row, why, verdict, rule, author_id, channel_id
           ) AS fact_row
    FROM decision_before;

  -- One generation: it stays until the last verdict of schema 4 is deleted.
  INSERT INTO fact (id, generation, channel_id, author_id, verdict, why, rule, policy_row, facts)
    SELECT r.fact_row, 1, d.channel_id, d.author_id, d.verdict, d.why, d.rule, d.policy_row, f.facts
    FROM (SELECT fact_row, fact_before, MIN(id) AS id FROM ranked GROUP BY fact_row) AS r
    CROSS JOIN decision_before AS d ON d.id = r.id
    LEFT JOIN fact_before AS f ON f.id = r.fact_before;

  CREATE TEMP TABLE numbered (
    number     INTEGER PRIMARY KEY, -- from 1, without holes
    account_id TEXT NOT NULL,
    at         INTEGER NOT NULL,
    sent_at    INTEGER NOT NULL,
    verdict    TEXT NOT NULL -- JSON
  );
  INSERT INTO numbered
    SELECT NULL, d.account_id, d.at, ${SENT_AT},
           json_array(d.message_id, r.fact_row)
    FROM ranked AS r CROSS JOIN decision_before AS d ON d.id = r.id
    ORDER BY r.id;

  -- Neighbours of one account and one moment share a block.
  CREATE TEMP TABLE block_start (number INTEGER PRIMARY KEY);
  INSERT INTO block_start
    SELECT n.number FROM numbered AS n LEFT JOIN numbered AS p ON p.number = n.number - 1
    WHERE p.number IS NULL OR p.account_id <> n.account_id OR p.at <> n.at
      OR n.number % ${BLOCK_MAX} = 0
    ORDER BY n.number;
  INSERT INTO verdict_block (id, count, account_id, sent_from, sent_to, at, verdicts)
    SELECT f.number, COUNT(*), n.account_id, MIN(n.sent_at), MAX(n.sent_at), n.at,
           json_group_array(json(n.verdict) ORDER BY n.number)
    FROM (SELECT number, LEAD(number, 1, 9e18) OVER (ORDER BY number) AS next FROM block_start) AS f
    CROSS JOIN numbered AS n ON n.number >= f.number AND n.number < f.next
    GROUP BY f.number;

  DROP TABLE ranked;
  DROP TABLE block_start;
  ALTER TABLE message RENAME TO message_before;

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

  INSERT INTO message_block (account_id, channel_id, sent_from, sent_to, count, kept_at, messages)
    SELECT account_id, channel_id, MIN(made_at), MAX(made_at), COUNT(*), kept_at,
           json_group_array(
             CASE WHEN reply_to IS NULL
               THEN json_array(message_id, author_id, tag, text, sent_at)
               ELSE json_array(message_id, author_id, tag, text, sent_at, reply_to)
             END ORDER BY number
           )
    FROM (
      SELECT *, ${SENT_AT} AS made_at, ROW_NUMBER() OVER (
        PARTITION BY account_id, channel_id, kept_at ORDER BY digits, message_id
      ) - 1 AS number
      FROM message_before
    )
    GROUP BY account_id, channel_id, kept_at, number / ${MESSAGES_MAX}
    ORDER BY MIN(digits), MIN(message_id);

  DROP TABLE message_before;
  DROP TABLE numbered;
  DROP TABLE decision_before;
  DROP TABLE fact_before;
`;
