/**
 * Tables of the accounts: gateway sessions, IDENTIFYs, guilds and direct channels, and the runs of
 * the process.
 *
 * @module
 */

/** SQL for the tables of accounts, their gateway sessions and places, and runs. */
export const GATEWAY = `
  CREATE TABLE account (
    account_id           TEXT PRIMARY KEY,
    user_id              TEXT, -- the bot's own; T0 sets these three together
    application_id       TEXT,
    username             TEXT,
    peer                 TEXT, -- server and bot that this data belongs to
    gateway_url          TEXT, -- as Discord named it last; tried first
    gateway_url_at       INTEGER,
    shard_count          INTEGER, -- NULL: never connected
    flags                INTEGER, -- the application's, and when they were read
    flags_at             INTEGER,
    owner_id             TEXT, -- the application's owner, read with its flags; NULL: not named
    intents              INTEGER, -- of its sessions
    ready_at             INTEGER, -- when a session last proved alive
    probes               INTEGER, -- number of test writes
    recommended_shards   INTEGER, -- from the last /gateway/bot, set together
    limit_total          INTEGER,
    limit_remaining      INTEGER,
    limit_reset_after_ms INTEGER,
    limit_max_concurrency INTEGER,
    limit_read_at        INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE gateway_session ( -- from a shard's first IDENTIFY on
    account_id    TEXT NOT NULL,
    shard_id      INTEGER NOT NULL,
    session_id    TEXT, -- NULL: nothing to resume; T0 sets these four together
    resume_url    TEXT,
    seq           INTEGER,
    started_at    INTEGER,
    alive_at      INTEGER NOT NULL, -- time of the gateway's last sign of life
    stored_up_to  INTEGER NOT NULL, -- when the newest stored message was sent
    catch_up_from INTEGER, -- stored_up_to when the open gap began
    lost_at       INTEGER, -- when the gap's newest loss was discovered
    has_hole      INTEGER NOT NULL DEFAULT 0, -- 1: the session lacks events; a new one is due
    PRIMARY KEY (account_id, shard_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE identify ( -- each allowed IDENTIFY
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

  CREATE TABLE direct_channel ( -- DMs and groups with a person who was ever accepted
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
