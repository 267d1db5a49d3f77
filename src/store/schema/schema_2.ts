/**
 * The second schema: several shards, the budget of IDENTIFYs, what catch-up
 * must know, and the runs of the process.
 *
 * An account of schema 1 had one shard, number 0, whose session and gap are
 * kept. The direct channels are found again in the inbox, which never forgets.
 *
 * @module
 */

export const SCHEMA_2 = `
  ALTER TABLE account ADD COLUMN shard_count INTEGER; -- NULL: never connected
  ALTER TABLE account ADD COLUMN flags INTEGER; -- the application's, with when they were read
  ALTER TABLE account ADD COLUMN flags_at INTEGER;
  ALTER TABLE account ADD COLUMN intents INTEGER; -- with which its sessions were begun
  ALTER TABLE account ADD COLUMN ready_at INTEGER; -- when a session was last seen to live
  ALTER TABLE account ADD COLUMN probes INTEGER; -- how many writes were tried
  -- /gateway/bot's session_start_limit and number of shards; set together
  ALTER TABLE account ADD COLUMN recommended_shards INTEGER;
  ALTER TABLE account ADD COLUMN limit_total INTEGER;
  ALTER TABLE account ADD COLUMN limit_remaining INTEGER;
  ALTER TABLE account ADD COLUMN limit_reset_after_ms INTEGER;
  ALTER TABLE account ADD COLUMN limit_max_concurrency INTEGER;
  ALTER TABLE account ADD COLUMN limit_read_at INTEGER;

  CREATE TABLE gateway_session_2 (
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
    PRIMARY KEY (account_id, shard_id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO gateway_session_2
    SELECT account_id, 0, session_id, resume_url, seq, started_at, alive_at, stored_up_to,
           catch_up_from, IIF(catch_up_from IS NULL, NULL, COALESCE(started_at, alive_at))
    FROM gateway_session;
  DROP TABLE gateway_session;
  ALTER TABLE gateway_session_2 RENAME TO gateway_session;
  UPDATE account SET shard_count = 1
    WHERE account_id IN (SELECT account_id FROM gateway_session);

  CREATE TABLE identify ( -- each one that was allowed
    id         INTEGER PRIMARY KEY, -- in the order of asking
    account_id TEXT NOT NULL,
    shard_id   INTEGER NOT NULL,
    at         INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX identify_of_account ON identify (account_id, at);

  CREATE TABLE direct_channel ( -- where somebody was ever accepted outside of a guild
    account_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    active_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, channel_id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO direct_channel
    SELECT account_id, channel_id, MAX(accepted_at) FROM inbox
    WHERE json_extract(message, '$.place.kind') <> 'guild'
    GROUP BY account_id, channel_id;

  CREATE TABLE run ( -- of the process, for all accounts
    id         INTEGER PRIMARY KEY, -- in the order of starting
    run_id     TEXT NOT NULL UNIQUE,
    boot_id    TEXT, -- of the machine
    started_at INTEGER NOT NULL,
    alive_at   INTEGER NOT NULL,
    ending     TEXT -- NULL: it runs, or was killed
  ) STRICT;

  CREATE INDEX inbox_waiting_in_session ON inbox (session_key, length(message_id), message_id)
    WHERE state = 'waiting';
`;
