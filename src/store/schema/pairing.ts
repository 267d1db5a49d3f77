/** The tables of resolved names and of pairing. */

import {
  account,
  type DeclaredTable,
  flag,
  initially,
  integer,
  key,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
} from "./columns.ts";

/** A name of the config for which Discord has found an id. */
export const RESOLVED_NAME = table("resolved_name", {
  accountId: account(),
  kind: oneOf("user", "guild", "channel"),
  typed: text(), // as written in the config
  guildId: initially(text(), ""), // of a channel
  foundId: text(),
  name: text(), // at that time
  at: integer(),
}, {
  key: ["accountId", "kind", "typed", "guildId", "foundId"], // a denied name may mean several channels
  sql: `CREATE UNIQUE INDEX resolved_name_once ON resolved_name (account_id, kind, typed)
    WHERE kind <> 'channel';`,
  forgets: { delete: "found_id = :userId" },
});

/** A request of an unpaired sender. */
export const PAIRING_REQUEST = table("pairing_request", {
  id: rowNumber(), // in the order of asking
  accountId: account(),
  userId: snowflake<"user">(),
  username: text(), // as it was then
  channelId: snowflake<"channel">(),
  messageId: snowflake<"message">(), // the challenged message
  code: text(),
  approveButton: text(),
  denyButton: text(),
  state: initially(oneOf("pending", "approved", "denied", "expired"), "pending"),
  isReported: initially(flag(), false), // true: the owners were notified
  createdAt: integer(),
  expiresAt: integer(),
  decidedAt: optional(integer()),
  decidedBy: optional(text()),
}, {
  unique: ["accountId", "code"],
  sql: `
    CREATE UNIQUE INDEX pairing_request_pending ON pairing_request (account_id, user_id)
      WHERE state = 'pending';
    CREATE INDEX pairing_request_newest ON pairing_request (account_id, created_at);`,
  isOfBot: true,
  forgets: {
    delete: "user_id = :userId",
    set: [{ where: "decided_by = :userId", to: "decided_by = NULL" }],
  },
});

/** A guild about which the owners were asked. */
export const ASKED_GUILD = table("asked_guild", {
  accountId: account(),
  guildId: snowflake<"guild">(),
  at: integer(),
}, { key: ["accountId", "guildId"], isOfBot: true, forgets: "ids of servers" });

/** A paired person. */
export const PAIRED = table("paired", {
  accountId: account(),
  userId: snowflake<"user">(),
  username: text(), // as it was then
  pairedAt: integer(),
  pairedBy: text(),
}, {
  key: ["accountId", "userId"],
  forgets: {
    delete: "user_id = :userId",
    set: [{ where: "paired_by = :userId", to: "paired_by = 'a forgotten person'" }],
  },
});

/** Wrong codes since the last right one. */
export const PAIRING_GUESS = table("pairing_guess", {
  accountId: key(account()),
  wrong: integer(),
  closedAt: optional(integer()), // when too many closed the check
}, { forgets: "a number" });

/** The tables of this topic. */
export const PAIRING_TABLES: readonly DeclaredTable[] = [
  RESOLVED_NAME,
  PAIRING_REQUEST,
  ASKED_GUILD,
  PAIRED,
  PAIRING_GUESS,
];
