/**
 * The table of settings that people change by commands.
 *
 * @module
 */

/** SQL for the table of settings. */
export const SETTINGS = `
  CREATE TABLE setting (
    account_id TEXT NOT NULL,
    scope      TEXT NOT NULL, -- key of a session, id of a channel, or 'account'
    name       TEXT NOT NULL, -- as SettingName lists them, or 'paused'
    value      TEXT NOT NULL, -- JSON if the name is 'paused'
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, scope, name)
  ) STRICT, WITHOUT ROWID;
`;
