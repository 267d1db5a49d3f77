/**
 * Tables of the use of models: tokens, money and time by UTC day, people who know that a budget is
 * spent, and problems that the owners know.
 *
 * @module
 */

/** SQL for the tables of usage. */
export const USAGE = `
  CREATE TABLE usage (
    day        INTEGER NOT NULL, -- UTC days since 1970-01-01
    user_id    TEXT NOT NULL, -- '' if no person asked for the requests
    channel_id TEXT NOT NULL,
    guild_id   TEXT NOT NULL, -- '' in direct messages
    agent_id   TEXT NOT NULL,
    model      TEXT NOT NULL,
    kind       TEXT NOT NULL, -- purpose of the requests
    requests   INTEGER NOT NULL,
    input      INTEGER NOT NULL, -- tokens, cached ones included
    cached     INTEGER NOT NULL,
    output     INTEGER NOT NULL,
    micros     INTEGER NOT NULL, -- millionths of the currency, of requests with a known price
    unpriced   INTEGER NOT NULL, -- number of requests without a known price
    ms         INTEGER NOT NULL,
    audio_sec  REAL NOT NULL,
    PRIMARY KEY (day, user_id, channel_id, guild_id, agent_id, model, kind)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE told_budget ( -- people who know that a budget of the day is spent
    day     INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (day, user_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE told_problem ( -- problems of models that the owners know; a model's answer ends them
    account_id TEXT NOT NULL,
    problem    TEXT NOT NULL, -- kind of failure and model
    told_at    INTEGER NOT NULL,
    PRIMARY KEY (account_id, problem)
  ) STRICT, WITHOUT ROWID;
`;
